"""The table of mistakes: what is typed, how it ends, and what is said. A person has read each of these texts."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mistake:
    """One thing that somebody types, and what is to be on the screen."""

    typed: str
    code: int
    says: tuple[str, ...]
    """Pieces of the message, in their order."""
    environment: dict[str, str] = field(default_factory=dict)


DAY = "--from 2023-10-01 --to 2023-10-02"
PLAN = f"plan conversations {DAY}"

MISTAKES = [
    # words of the command line
    Mistake("backfil", 2, ("no such command 'backfil'",)),
    Mistake(f"backfill conversations {DAY} --rte 5", 2, ("there is no option --rte; did you mean --rate?",)),
    Mistake("backfill --wokers 3 users", 2, ("there is no option --wokers", "--workers")),
    Mistake("status october july", 2, ("unexpected extra argument",)),
    Mistake("export october", 2, ("--to is missing.", "See: resumable export --help")),
    Mistake("delete", 2, ("job is missing.", "See: resumable delete --help")),
    Mistake("report october --to", 2, ("--to", "requires an argument")),
    Mistake(f"{PLAN} --workers zero", 2, ("--workers is a whole number from 1 to 256.",)),
    Mistake(f"{PLAN} --workers 0", 2, ("--workers is a whole number from 1 to 256.",)),
    Mistake(f"{PLAN} --workers 300", 2, ("--workers is a whole number from 1 to 256.",)),
    Mistake(f"{PLAN} --max-requests -1", 2, ("--max-requests is a whole number, 1 or more.",)),
    Mistake("simulate --port 99999", 2, ("--port is a whole number from 0 to 65535.",)),
    # datasets
    Mistake("backfill", 2, ("no dataset is named.", "For example: resumable backfill conversations")),
    Mistake(f"backfill conversation {DAY}", 2, ("there is no dataset 'conversation'", "Known are: conversations,")),
    Mistake(f"backfill Conversations {DAY}", 2, ("there is no dataset 'Conversations'",)),
    Mistake(f"backfill ./missing.toml {DAY}", 2, ("missing.toml", "cannot be read: No such file or directory")),
    Mistake(f"backfill users {DAY}", 2, ("users is a list as it is today, and has no range.", "Leave out --from")),
    Mistake("check conversation", 2, ("there is no dataset 'conversation'",)),
    # times
    Mistake("backfill conversations", 2, ("conversations needs a range: --from is missing.",)),
    Mistake("backfill conversations --from 2023-10-01", 2, ("conversations needs a range: --to is missing.",)),
    Mistake("backfill conversations --to 2023-10-01", 2, ("conversations needs a range: --from is missing.",)),
    Mistake("plan conversations --from 01.10.2023 --to 2023-10-02", 2, ("--from '01.10.2023' is not a time.", "-7d")),
    Mistake("plan conversations --from 10/1/2023 --to 2023-10-02", 2, ("--from '10/1/2023' is not a time.",)),
    Mistake("plan conversations --from lastweek --to today", 2, ("--from 'lastweek' is not a time.",)),
    Mistake("plan conversations --from 2023-02-30 --to 2023-03-01", 2, ("--from '2023-02-30' is not a time.",)),
    Mistake("plan conversations --from 2023-10-02 --to 2023-10-01", 2, ("--to (2023-10-01) is not after --from",)),
    Mistake("plan conversations --from 2023-10-01 --to 2023-10-01", 2, ("is not after --from", "use --to 2023-10-02")),
    Mistake("plan conversations --from 2023-10-01 --to 2123-10-02", 2, ("--to 2123-10-02 lies in the future",)),
    Mistake("plan conversations --from 1023-10-01 --to 2023-10-02", 2, ("--from 1023-10-01 is before 2000.",)),
    Mistake("plan conversations --from today --to yesterday", 2, ("is not after --from",)),
    # windows, sizes, durations, rates
    Mistake(f"{PLAN} --window day", 2, ("--window 'day' is not a duration.", "Write it as 1d, 12h, 90m or 8h30m.")),
    Mistake(f"{PLAN} --window 0d", 2, ("--window 0d is out of range.",)),
    Mistake(f"{PLAN} --window 5s", 2, ("--window 5s is out of range.", "1m")),
    Mistake("plan conversations --from 2003-10 --to today --window 1m", 2, ("into more than 200,000 windows.",)),
    Mistake(f"plan conversations-pagecount {DAY} --page-size 5000", 2, ("1000",)),
    Mistake(f"{PLAN} --page-size 0", 2, ("page", "1")),
    Mistake(f"{PLAN} --max-duration forever", 2, ("--max-duration 'forever' is not a duration.",)),
    Mistake(f"{PLAN} --patience 5", 2, ("--patience '5' is not a duration.",)),
    Mistake(f"{PLAN} --rate fast", 2, ("--rate 'fast' is neither a number of requests a minute nor a share.",)),
    Mistake(f"{PLAN} --rate 0", 2, ("--rate '0' is neither",)),
    Mistake(f"{PLAN} --rate 120%", 2, ("--rate '120%' is neither", "from 1% to 100%")),
    Mistake(f"{PLAN} --on-drift ignore", 2, ("--on-drift is keep or fail, not 'ignore'.",)),
    # filters
    Mistake(f"{PLAN} --direction in", 2, ("--direction 'in' is not one of those", "inbound, outbound")),
    Mistake(f"{PLAN} --direction outbond", 2, ("did you mean outbound",)),
    Mistake(f"{PLAN} --media-type vioce", 2, ("did you mean voice",)),
    Mistake(
        f"{PLAN} --filter nonsense",
        2,
        ("--filter is not JSON: it goes wrong at line 1, column 1.", "For example --filter"),
    ),
    Mistake(f"{PLAN} --filter []", 2, ("--filter is JSON, but not an object.",)),
    Mistake(f"{PLAN} --filter '{{\"filters\": []}}'", 2, ("--filter holds 'filters'", "segmentFilters")),
    Mistake(f"{PLAN} --filter @missing.json", 2, ("--filter names the file 'missing.json'", "cannot be read")),
    Mistake(f"{PLAN} --metric nConnected", 2, ("conversations cannot be narrowed by --metric.", "It understands:")),
    Mistake("plan users --queue x", 2, ("users cannot be narrowed by --queue.",)),
    Mistake(f"{PLAN} --queue 'Fax desk 9'", 2, ("no queue is called 'Fax desk 9'", "or by its id.")),
    Mistake(f"plan conversations-pagecount {DAY} --group-by queue", 2, ("--group-by 'queue' is not", "queueId")),
    Mistake(f"plan conversations-pagecount {DAY} --metric tHandled", 2, ("did you mean tHandle.", "such as nOffered")),
    # jobs
    Mistake("status octobre", 2, ("there is no job octobre; did you mean october",)),
    Mistake("resume", 2, ("nothing to resume: the only job", "complete")),
    Mistake("verify ../october", 2, ("../october",)),
    Mistake("backfill users --job a/b", 2, ("a/b",)),
    Mistake("backfill users --job october", 2, ("the job october exists, with another query", "--job")),
    Mistake("status october --watch --json", 2, ("--watch is for people",)),
    Mistake("status october --watch --wait", 2, ("--watch and --wait both wait.",)),
    Mistake("prune --older-than old", 2, ("--older-than 'old' is not a duration.",)),
    # places
    Mistake("jobs --state s3:/bucket", 2, ("is an address",)),
    Mistake("export october --to october.xlsx", 2, ("the suffix of 'october.xlsx' stands for no format.", "parquet")),
    Mistake("export october --to x.csv --format excel", 2, ("--format is one of", "not 'excel'")),
    Mistake("export october --to x.csv --table calls", 2, ("calls", "conversations")),
    Mistake("export october --to -", 0, ()),
    Mistake("export october --to - --format parquet", 2, ("parquet cannot go to stdout.",)),
    Mistake("export october --to - --json", 2, ("--to - and --json both want stdout.",)),
    Mistake("export october --to nowhere/x.csv", 2, ("there is no folder", "mkdir -p")),
    Mistake("export october --to x.csv --names", 2, ("no job in", "resumable backfill queues")),
    Mistake("load october --to nowhere", 2, ("'nowhere' is not a destination of dlt.",)),
    Mistake("load october --to postgres", 4, ("there are no credentials for postgres", "DESTINATION__POSTGRES__")),
    Mistake("simulate --style nice", 2, ("style is one of full, small, lifelike, not 'nice'",)),
    Mistake("simulate --settings '{'", 2, ("--settings is not JSON: it goes wrong at line 1, column 2.",)),
    Mistake(
        "fleet walk october.toml",
        2,
        ("fleet takes run, plan or status, not 'walk'", "resumable fleet run october.toml"),
    ),
    Mistake("reconcile october --tolerance 5", 2, ("--tolerance '5' is not a share.", "0.5%")),
    Mistake("describe users --table nope", 2, ("users have no table 'nope'.", "They have: users")),
    Mistake(f"{PLAN} --notify example.org/x", 2, ("--notify is not an address that can be sent to.",)),
    Mistake(f"{PLAN} --config missing.toml", 2, ("--config names the file 'missing.toml'", "cannot be read")),
    Mistake(f"{PLAN} --profile prod", 2, ("no job file has no profile 'prod'",)),
    # whom to ask
    Mistake(
        "backfill users", 2, ("no Genesys Cloud region is set.",), {"GENESYS_API_URL": "", "GENESYS_LOGIN_URL": ""}
    ),
    Mistake(
        "backfill users",
        2,
        ("eu-centrl-1", "eu-central-1"),
        {"GENESYS_API_URL": "", "GENESYS_LOGIN_URL": "", "GENESYS_REGION": "eu-centrl-1"},
    ),
    Mistake("backfill users", 4, ("no client credentials: GENESYS_CLIENT_ID is not set.",), {"GENESYS_CLIENT_ID": ""}),
    Mistake(
        "backfill users", 4, ("Genesys refused the client credentials",), {"GENESYS_CLIENT_SECRET": "wrong-wrong-wrong"}
    ),
    Mistake("backfill users", 2, ("plain http would show the credentials",), {"GENESYS_API_URL": "http://example.org"}),
    Mistake("backfill users", 2, ("RESUMABLE_WORKERS",), {"RESUMABLE_WORKERS": "many"}),
    Mistake("backfill users", 5, ("free; 900 TB are needed", "Make room"), {"RESUMABLE_MIN_FREE": "900000000000000"}),
]
