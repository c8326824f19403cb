"""Independent clients agree with the simulator and with the product: the official Python SDK, and Prism.

`openapi.json` describes the paths of a backfill, rebuilt from the models of the official Python SDK 269.0.0. It has two
operations more than that description had, the deletion of a job of users' details and the organisation: the SDK has
them too.
"""
