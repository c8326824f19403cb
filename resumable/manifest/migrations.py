"""Older versions of the manifest's tables, frozen as they were, and the steps that lead from each to the next.

Nothing here is made from today's tables: a step that a user's manifest once took never changes.
"""

_TABLES_1 = """
CREATE TABLE job (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    uuid           TEXT NOT NULL,
    name           TEXT NOT NULL,
    dataset        TEXT NOT NULL,
    schema_digest  TEXT NOT NULL,
    columns        TEXT,
    start_ms       INTEGER NOT NULL,
    end_ms         INTEGER NOT NULL,
    query          TEXT NOT NULL,
    digest         TEXT NOT NULL,
    window_ms      INTEGER NOT NULL CHECK (window_ms > 0),
    page_size      INTEGER NOT NULL CHECK (page_size > 0),
    state          TEXT NOT NULL CHECK (state IN ('planned', 'running', 'interrupted', 'incomplete', 'complete')),
    created_ms     INTEGER NOT NULL,
    started_ms     INTEGER,
    updated_ms     INTEGER NOT NULL,
    completed_ms   INTEGER,
    CHECK (end_ms > start_ms)
) STRICT;

CREATE TABLE counter (
    name   TEXT PRIMARY KEY,
    value  INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;

-- `fingerprint` is of the record keys: of the take before while this one is unfinished, then of this one.
-- `whole_take` is the last take that was complete, and what readers see until the next one is.
-- `done`, `records` and `bytes` sum up the pages of the take, in the same transaction as each page.
CREATE TABLE window (
    id           INTEGER PRIMARY KEY,
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    state        TEXT NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'open', 'complete')),
    take         INTEGER NOT NULL DEFAULT 1 CHECK (take >= 1),
    page_count   INTEGER CHECK (page_count >= 0),
    total        INTEGER CHECK (total >= 0),
    page_size    INTEGER CHECK (page_size > 0),
    moved        INTEGER NOT NULL DEFAULT 0 CHECK (moved IN (0, 1)),
    fingerprint  BLOB,
    duplicates   INTEGER NOT NULL DEFAULT 0 CHECK (duplicates >= 0),
    settled      INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)),
    whole_take   INTEGER,
    whole_ms     INTEGER,
    provisional  INTEGER NOT NULL DEFAULT 0 CHECK (provisional IN (0, 1)),
    stale        INTEGER NOT NULL DEFAULT 0 CHECK (stale IN (0, 1)),
    done         INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
    records      INTEGER NOT NULL DEFAULT 0 CHECK (records >= 0),
    bytes        INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    UNIQUE (start_ms, end_ms),
    CHECK (end_ms > start_ms),
    CHECK ((state = 'planned') = (page_count IS NULL)),
    CONSTRAINT counted CHECK (state <> 'complete' OR (done = page_count AND whole_take = take))
) STRICT;
CREATE INDEX window_unfinished ON window (start_ms) WHERE state <> 'complete';
CREATE INDEX window_stale ON window (id) WHERE stale = 1;

-- A page that was never tried has no row.
CREATE TABLE page (
    window    INTEGER NOT NULL REFERENCES window (id),
    take      INTEGER NOT NULL CHECK (take >= 1),
    number    INTEGER NOT NULL CHECK (number >= 1),
    state     TEXT NOT NULL CHECK (state IN ('done', 'quarantined')),
    rows      INTEGER CHECK (rows > 0),
    size      INTEGER CHECK (size > 0),
    sha256    BLOB CHECK (length(sha256) = 32),
    reason    TEXT,
    PRIMARY KEY (window, take, number),
    CHECK ((state = 'done') = (rows IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL)),
    CHECK ((state = 'quarantined') = (reason IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX page_quarantined ON page (window) WHERE state = 'quarantined';

-- A job on the server, from its submission until it is deleted there. `cursor` stands for the next page to read.
CREATE TABLE remote (
    id          TEXT PRIMARY KEY,
    window      INTEGER NOT NULL,
    take        INTEGER NOT NULL,
    expires_ms  INTEGER,
    cursor      TEXT
) STRICT, WITHOUT ROWID;

-- What the schema had no place for, by path, over all pages recorded.
CREATE TABLE drift (
    path   TEXT PRIMARY KEY,
    count  INTEGER NOT NULL CHECK (count > 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id     INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    text   TEXT NOT NULL
) STRICT;
"""

_MINUTE_2 = """
-- What happened in a minute, or in `length` of them once there were too many rows. `latency` is packed (latencies.py).
CREATE TABLE minute (
    at_ms            INTEGER PRIMARY KEY,
    length           INTEGER NOT NULL CHECK (length >= 1),
    pages            INTEGER NOT NULL CHECK (pages >= 0),
    requests         INTEGER NOT NULL CHECK (requests >= 0),
    retries          INTEGER NOT NULL CHECK (retries >= 0),
    rate_limited     INTEGER NOT NULL CHECK (rate_limited >= 0),
    token_refreshes  INTEGER NOT NULL CHECK (token_refreshes >= 0),
    allowed          REAL NOT NULL,
    latency          BLOB NOT NULL
) STRICT;
"""

_TABLES_3 = """
-- `origin`, `organisation` and `client` (a digest of its id) say whose data it holds, once a run has learned it.
-- `settings` is how it was begun, as JSON. `deep_limit` is what the server said that it lets one page through.
-- `outage_ms` is since when nobody is answered, and `outage_why` in what way; NULL where somebody was since.
CREATE TABLE job (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    uuid           TEXT NOT NULL,
    name           TEXT NOT NULL,
    dataset        TEXT NOT NULL,
    schema_digest  TEXT NOT NULL,
    columns        TEXT,
    start_ms       INTEGER NOT NULL,
    end_ms         INTEGER NOT NULL,
    query          TEXT NOT NULL,
    digest         TEXT NOT NULL,
    window_ms      INTEGER NOT NULL CHECK (window_ms > 0),
    page_size      INTEGER NOT NULL CHECK (page_size > 0),
    state          TEXT NOT NULL CHECK (state IN ('planned', 'running', 'interrupted', 'incomplete', 'complete')),
    created_ms     INTEGER NOT NULL,
    started_ms     INTEGER,
    updated_ms     INTEGER NOT NULL,
    completed_ms   INTEGER,
    origin             TEXT,
    organisation       TEXT,
    organisation_name  TEXT,
    client             TEXT,
    settings           TEXT,
    deep_limit         INTEGER CHECK (deep_limit > 0),
    outage_ms          INTEGER,
    outage_why         TEXT,
    CHECK (end_ms > start_ms)
) STRICT;

CREATE TABLE counter (
    name   TEXT PRIMARY KEY,
    value  INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;

-- `fingerprint` is of the record keys: of the take before while this one is unfinished, then of this one.
-- `whole_take` is the last take that was complete, and what readers see until the next one is.
-- `done`, `records` and `bytes` sum up the pages of the take, in the same transaction as each page.
-- `shortfall` is why a window that was looked at is not complete; `cut_ms` where the source said that its data ends.
-- `asked_size` is the page size that this window needs, where the job's was too large. `counted` is what another
-- contract counts in it. `open_records` have no end yet, NULL where nobody has counted them; the oldest of them began
-- at `open_since_ms`. `refresh`: planned again for those alone.
CREATE TABLE window (
    id           INTEGER PRIMARY KEY,
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    state        TEXT NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'open', 'complete')),
    take         INTEGER NOT NULL DEFAULT 1 CHECK (take >= 1),
    page_count   INTEGER CHECK (page_count >= 0),
    total        INTEGER CHECK (total >= 0),
    page_size    INTEGER CHECK (page_size > 0),
    moved        INTEGER NOT NULL DEFAULT 0 CHECK (moved IN (0, 1)),
    fingerprint  BLOB,
    duplicates   INTEGER NOT NULL DEFAULT 0 CHECK (duplicates >= 0),
    settled      INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)),
    whole_take   INTEGER,
    whole_ms     INTEGER,
    provisional  INTEGER NOT NULL DEFAULT 0 CHECK (provisional IN (0, 1)),
    stale        INTEGER NOT NULL DEFAULT 0 CHECK (stale IN (0, 1)),
    done         INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
    records      INTEGER NOT NULL DEFAULT 0 CHECK (records >= 0),
    bytes        INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    shortfall      TEXT CHECK (shortfall IN ('cut off', 'fewer', 'failed', 'unsettled')),
    cut_ms         INTEGER,
    asked_size     INTEGER CHECK (asked_size > 0),
    counted        INTEGER CHECK (counted >= 0),
    counted_ms     INTEGER,
    open_records   INTEGER CHECK (open_records >= 0),
    open_since_ms  INTEGER,
    refresh        INTEGER NOT NULL DEFAULT 0 CHECK (refresh IN (0, 1)),
    UNIQUE (start_ms, end_ms),
    CHECK (end_ms > start_ms),
    CHECK ((state = 'planned') = (page_count IS NULL)),
    CONSTRAINT counted CHECK (state <> 'complete' OR (done = page_count AND whole_take = take))
) STRICT;
CREATE INDEX window_unfinished ON window (start_ms) WHERE state <> 'complete';
CREATE INDEX window_stale ON window (id) WHERE stale = 1;

-- A page that was never tried has no row.
CREATE TABLE page (
    window    INTEGER NOT NULL REFERENCES window (id),
    take      INTEGER NOT NULL CHECK (take >= 1),
    number    INTEGER NOT NULL CHECK (number >= 1),
    state     TEXT NOT NULL CHECK (state IN ('done', 'quarantined')),
    rows      INTEGER CHECK (rows > 0),
    size      INTEGER CHECK (size > 0),
    sha256    BLOB CHECK (length(sha256) = 32),
    reason    TEXT,
    failure   TEXT,
    PRIMARY KEY (window, take, number),
    CHECK ((state = 'done') = (rows IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL)),
    CHECK ((state = 'quarantined') = (reason IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX page_quarantined ON page (window) WHERE state = 'quarantined';

-- A job on the server, from its submission until it is deleted there. `cursor` stands for the next page to read.
CREATE TABLE remote (
    id          TEXT PRIMARY KEY,
    window      INTEGER NOT NULL,
    take        INTEGER NOT NULL,
    expires_ms  INTEGER,
    cursor      TEXT
) STRICT, WITHOUT ROWID;

-- What the schema had no place for, by path, over all pages recorded.
CREATE TABLE drift (
    path   TEXT PRIMARY KEY,
    count  INTEGER NOT NULL CHECK (count > 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id     INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    text   TEXT NOT NULL
) STRICT;

-- The last exchange that failed, in the server's own terms.
CREATE TABLE failure (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    at_ms           INTEGER NOT NULL,
    asked           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    status          INTEGER,
    correlation_id  TEXT,
    context_id      TEXT
) STRICT;
-- What happened in a minute, or in `length` of them once there were too many rows. `latency` is packed (latencies.py).
CREATE TABLE minute (
    at_ms            INTEGER PRIMARY KEY,
    length           INTEGER NOT NULL CHECK (length >= 1),
    pages            INTEGER NOT NULL CHECK (pages >= 0),
    requests         INTEGER NOT NULL CHECK (requests >= 0),
    retries          INTEGER NOT NULL CHECK (retries >= 0),
    rate_limited     INTEGER NOT NULL CHECK (rate_limited >= 0),
    token_refreshes  INTEGER NOT NULL CHECK (token_refreshes >= 0),
    allowed          REAL NOT NULL,
    latency          BLOB NOT NULL
) STRICT;
"""

TABLES = {1: _TABLES_1, 2: _TABLES_1 + _MINUTE_2, 3: _TABLES_3}
"""The tables of each older version."""

STEPS: dict[int, str] = {
    1: _MINUTE_2,
    2: """
ALTER TABLE job ADD COLUMN origin TEXT;
ALTER TABLE job ADD COLUMN organisation TEXT;
ALTER TABLE job ADD COLUMN organisation_name TEXT;
ALTER TABLE job ADD COLUMN client TEXT;
ALTER TABLE job ADD COLUMN settings TEXT;
ALTER TABLE job ADD COLUMN deep_limit INTEGER CHECK (deep_limit > 0);
ALTER TABLE job ADD COLUMN outage_ms INTEGER;
ALTER TABLE job ADD COLUMN outage_why TEXT;
ALTER TABLE window ADD COLUMN shortfall TEXT CHECK (shortfall IN ('cut off', 'fewer', 'failed', 'unsettled'));
ALTER TABLE window ADD COLUMN cut_ms INTEGER;
ALTER TABLE window ADD COLUMN asked_size INTEGER CHECK (asked_size > 0);
ALTER TABLE window ADD COLUMN counted INTEGER CHECK (counted >= 0);
ALTER TABLE window ADD COLUMN counted_ms INTEGER;
ALTER TABLE window ADD COLUMN open_records INTEGER CHECK (open_records >= 0);
ALTER TABLE window ADD COLUMN open_since_ms INTEGER;
ALTER TABLE window ADD COLUMN refresh INTEGER NOT NULL DEFAULT 0 CHECK (refresh IN (0, 1));
ALTER TABLE page ADD COLUMN failure TEXT;
CREATE TABLE failure (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    at_ms           INTEGER NOT NULL,
    asked           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    status          INTEGER,
    correlation_id  TEXT,
    context_id      TEXT
) STRICT;
""",
    3: """
ALTER TABLE window ADD COLUMN contract TEXT CHECK (contract IN ('jobs', 'query'));
ALTER TABLE window ADD COLUMN whole_contract TEXT CHECK (whole_contract IN ('jobs', 'query'));
""",
}
"""From a version, the statements that lead to the next one; all run in one transaction with the new `user_version`."""
