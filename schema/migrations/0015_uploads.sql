-- How many uploads a person has under way, whenever they begin another one.
CREATE INDEX media_uploading ON media (owner) WHERE state = 'uploading';
