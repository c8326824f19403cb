"""The figures of a contact centre by queue and half hour, with Polars."""

import polars as pl

rows = pl.scan_parquet("interactions.parquet", hive_partitioning=True)
offered, answered, abandoned, over_sla, handled = (
    pl.col(name).sum() for name in ("offered", "answered", "abandoned", "overSla", "handled")
)
kpis = rows.group_by("queueId", "localHalfHour").agg(
    offered, answered, pl.col("transferred").sum(),
    abandonRate=abandoned / offered,
    serviceLevel=(answered - over_sla) / (answered + abandoned),
    asaSeconds=pl.col("waitMs").filter(pl.col("answered") > 0).sum() / answered / 1000,
    ahtSeconds=pl.col("handleMs").sum() / handled / 1000,
).collect()  # fmt: skip

states = pl.scan_parquet("routing.parquet", hive_partitioning=True).filter(
    pl.col("routingStatus").is_in(["INTERACTING", "IDLE", "NOT_RESPONDING", "COMMUNICATING"])
)
took = (pl.col("endTime") - pl.col("startTime")).dt.total_milliseconds()
busy = took.filter(pl.col("routingStatus") == "INTERACTING").sum()
occupancy = states.group_by("userId").agg(occupancy=busy / took.sum()).collect()
print(kpis, occupancy)
