"""Seconds of handling by queue, with DuckDB: metrics and segments meet by the keys of their session."""

import duckdb

by_queue = duckdb.sql("""
    SELECT queueId, count(*) AS handled, avg(value) / 1000 AS seconds
    FROM 'metrics.parquet/**/*.parquet'
    JOIN (SELECT DISTINCT conversationId, participantIndex, sessionIndex, queueId FROM 'segments.parquet/**/*.parquet')
        USING (conversationId, participantIndex, sessionIndex)
    WHERE name = 'tHandle' AND queueId IS NOT NULL
    GROUP BY queueId ORDER BY handled DESC, queueId
""")
print(by_queue)
