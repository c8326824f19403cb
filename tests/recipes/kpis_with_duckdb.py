"""The figures of a contact centre by queue and half hour, with DuckDB."""

import duckdb

kpis = duckdb.sql("""
    SELECT queueId, any_value(queueName) AS queueName, localHalfHour,
        sum(offered) AS offered, sum(answered) AS answered, sum(transferred) AS transfers,
        sum(abandoned) / nullif(sum(offered), 0) AS abandonRate,
        (sum(answered) - sum(overSla)) / nullif(sum(answered) + sum(abandoned), 0) AS serviceLevel,
        sum(waitMs) FILTER (answered > 0) / nullif(sum(answered), 0) / 1000 AS asaSeconds,
        sum(handleMs) / nullif(sum(handled), 0) / 1000 AS ahtSeconds
    FROM 'interactions.parquet/**/*.parquet' GROUP BY queueId, localHalfHour ORDER BY ALL
""")
occupancy = duckdb.sql("""
    SELECT userId, sum(took) FILTER (routingStatus = 'INTERACTING') / sum(took) AS occupancy
    FROM (SELECT *, epoch_ms(endTime) - epoch_ms(startTime) AS took FROM 'routing.parquet/**/*.parquet')
    WHERE routingStatus IN ('INTERACTING', 'IDLE', 'NOT_RESPONDING', 'COMMUNICATING')
    GROUP BY userId ORDER BY userId
""")
print(kpis, occupancy)
