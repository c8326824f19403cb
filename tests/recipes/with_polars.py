"""Seconds of talk a day, with Polars: a metric is a row, its value in milliseconds."""

import polars as pl

metrics = pl.scan_parquet("metrics.parquet", hive_partitioning=True)
talk = metrics.filter(pl.col("name") == "tTalk").group_by("day").agg(pl.col("value").mean() / 1000)
by_day = talk.sort("day").collect()
print(by_day)
