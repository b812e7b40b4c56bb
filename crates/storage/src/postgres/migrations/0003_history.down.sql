DROP INDEX commits_operation;
-- Member by member as they were written: the digits of a number must stay.
UPDATE changes
SET before = (
    SELECT '{' || coalesce(string_agg(to_json(key)::text || ':' || value::text, ','), '') || '}'
    FROM json_each(before::json)
    WHERE key NOT IN ('w', 'm', 'e')
)
WHERE before LIKE '%"w":[%';
UPDATE changes SET kind = 4 WHERE kind = 6;
