"""The figures of a contact centre by queue and half hour, with pandas."""

import pandas as pd

rows = pd.read_parquet("interactions.parquet")
rows["answerMs"] = rows["waitMs"].where(rows["answered"] > 0)
counts = ["offered", "answered", "abandoned", "overSla", "transferred", "handled", "answerMs", "handleMs"]
kpis = rows.groupby(["queueId", "localHalfHour"])[counts].sum()
kpis["abandonRate"] = kpis["abandoned"] / kpis["offered"].where(kpis["offered"] > 0)
reached = kpis["answered"] + kpis["abandoned"]
kpis["serviceLevel"] = (kpis["answered"] - kpis["overSla"]) / reached.where(reached > 0)
kpis["asaSeconds"] = kpis["answerMs"] / kpis["answered"].where(kpis["answered"] > 0) / 1000
kpis["ahtSeconds"] = kpis["handleMs"] / kpis["handled"].where(kpis["handled"] > 0) / 1000

states = pd.read_parquet("routing.parquet")
states = states[states["routingStatus"].isin(["INTERACTING", "IDLE", "NOT_RESPONDING", "COMMUNICATING"])]
states = states.assign(took=states["endTime"] - states["startTime"])
by_state = states.pivot_table(index="userId", columns="routingStatus", values="took", aggfunc="sum")
occupancy = by_state["INTERACTING"] / by_state.sum(axis=1)
print(kpis, occupancy)
