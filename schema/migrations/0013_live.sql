-- Which LiveRelay holds sockets of a person, in the person's shard: whoever has something to tell them asks here. A row is
-- deleted when its relay says that it holds none of them any more, or does not count once `until` has passed.
CREATE TABLE live_places (
  person TEXT NOT NULL,
  relay TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (person, relay)
) WITHOUT ROWID;
