CREATE TABLE IF NOT EXISTS transactions (
  n        INTEGER PRIMARY KEY,          -- the order in which they came
  id       TEXT NOT NULL UNIQUE,
  key      TEXT NOT NULL UNIQUE,         -- the idempotency key
  payload  TEXT NOT NULL,                -- what is sent, the same bytes each time
  state    TEXT NOT NULL,
  charge   TEXT NOT NULL DEFAULT '',     -- the gateway's name for it
  why      TEXT NOT NULL DEFAULT '',     -- of its state
  changed  INTEGER NOT NULL              -- Unix time in milliseconds
) STRICT;

CREATE INDEX IF NOT EXISTS transactions_by_state ON transactions (state, n);

CREATE TABLE IF NOT EXISTS audit (
  seq   INTEGER PRIMARY KEY,
  entry TEXT NOT NULL,
  hash  TEXT NOT NULL
) STRICT;

CREATE TRIGGER IF NOT EXISTS audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;

CREATE TRIGGER IF NOT EXISTS audit_is_not_cut BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;

CREATE TRIGGER IF NOT EXISTS transactions_are_not_lost BEFORE DELETE ON transactions
BEGIN SELECT RAISE(ABORT, 'transactions are kept'); END;

CREATE TRIGGER IF NOT EXISTS what_is_sent_stays BEFORE UPDATE OF id, key, payload ON transactions
BEGIN SELECT RAISE(ABORT, 'what is sent under a key stays the same'); END;
