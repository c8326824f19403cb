"""Conversations a day by direction, with pandas."""

import pandas as pd

calls = pd.read_parquet("conversations.parquet", columns=["day", "originatingDirection"])
by_day = pd.crosstab(calls["day"], calls["originatingDirection"])
print(by_day)
