-- What moderators store about a closed account is removed in the transaction that writes it.
CREATE TRIGGER closed_reports AFTER INSERT ON reports
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person IN (new.reporter, new.subject))
  AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  DELETE FROM reports WHERE subject = new.subject AND reporter = new.reporter;
END;
CREATE TRIGGER closed_cases AFTER INSERT ON cases
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  DELETE FROM cases WHERE subject = new.subject;
END;
CREATE TRIGGER closed_decisions AFTER INSERT ON decisions
WHEN EXISTS (SELECT 1 FROM closed_people WHERE person = new.person) AND NOT EXISTS (SELECT 1 FROM mover) BEGIN
  DELETE FROM decisions WHERE person = new.person AND subject = new.subject;
END;
