"""The parts with Spark, each conversation once: the keys decide first, and only then whole records are read."""

import sys

from pyspark.sql import SparkSession, functions

spark = SparkSession.builder.appName("parts").getOrCreate()
parts = spark.read.option("recursiveFileLookup", "true").parquet(sys.argv[1])
place = functions.struct("_metadata.file_path", "_metadata.file_block_start", "_metadata.row_index")
rows = parts.withColumn("place", place)
newest = rows.groupBy("conversationId").agg(functions.max("place").alias("place"))
once = rows.join(newest, ["conversationId", "place"], "left_semi").drop("place")
once.withColumn("day", functions.to_date("conversationStart")).write.partitionBy("day").parquet(sys.argv[2])
