-- Size of each rendition that was made of a file on demand, by its name: {"w1600": 250000, "w320.avif": 9000}. The sizes are
-- part of derived_bytes, so they count to the quota. One entry a rendition makes it count once, whoever makes it.
ALTER TABLE media ADD COLUMN on_demand TEXT;
