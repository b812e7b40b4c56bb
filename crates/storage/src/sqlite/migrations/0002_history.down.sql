DROP INDEX commits_operation;
UPDATE changes SET before = json_remove(before, '$.w', '$.m', '$.e') WHERE before LIKE '%"w":[%';
UPDATE changes SET kind = 4 WHERE kind = 6;
