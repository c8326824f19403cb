"""The pinned schemas, and the two ways between an answer's JSON and Arrow columns; nothing here touches the world."""
