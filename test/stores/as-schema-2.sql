-- SPDX-License-Identifier: Apache-2.0
-- Shows a store of schema 3 or 4, whose contents are one table of records, as the tables of schema 2.
ALTER TABLE records RENAME TO all_records;
CREATE VIEW claims AS
    SELECT id AS name, document FROM all_records WHERE kind = 'claim';
CREATE VIEW plans AS
    SELECT CAST(substr(id, 1, 12) AS INTEGER) AS seq, substr(id, 14) AS id, document ->> 'state' AS state, document
    FROM all_records WHERE kind IN ('plan', 'running');
CREATE VIEW steps AS
    SELECT plans.id AS plan_id, CAST(substr(all_records.id, 14) AS INTEGER) AS number, all_records.document AS document
    FROM all_records JOIN plans ON plans.seq = CAST(substr(all_records.id, 1, 12) AS INTEGER)
    WHERE kind = 'step';
CREATE VIEW events AS
    SELECT document ->> 'seq' AS seq, document ->> 'kind' AS kind, document ->> 'subject' AS subject,
        coalesce(document ->> 'author', '') AS author, document ->> 'message' AS message
    FROM all_records WHERE kind = 'event';
CREATE VIEW records AS
    SELECT kind, id AS key, document FROM all_records
    WHERE kind NOT IN ('claim', 'plan', 'running', 'step', 'event');
