-- Downloads of people's data that are under way: at most a few for one person. In the person's shard.
CREATE TABLE export_downloads (
  person TEXT NOT NULL,
  download TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (person, download)
) WITHOUT ROWID;
CREATE TRIGGER closed_recovery_secrets AFTER INSERT ON recovery_secrets
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
CREATE TRIGGER closed_export_downloads AFTER INSERT ON export_downloads
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  UPDATE closed_people SET late = late + 1 WHERE person = new.person;
END;
