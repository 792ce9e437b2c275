-- The LiveRelays that hold a person's sockets, in the person's shard: hints are sent to these. A row is deleted when
-- its relay reports that it holds none any more, and it no longer counts once `until` has passed.
CREATE TABLE live_places (
  person TEXT NOT NULL,
  relay TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (person, relay)
) WITHOUT ROWID;
