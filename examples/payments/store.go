package main

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	_ "modernc.org/sqlite" // the database is a part of the program
)

// A store keeps transactions and the audit log in SQLite: a file, a write-ahead
// log, and an fsync before anything counts as written (synchronous = FULL).
type store struct{ db *sql.DB }

//go:embed schema.sql
var schema string

// openStore opens the file, which nobody else may read: account numbers are
// whole in it.
func openStore(ctx context.Context, path string) (*store, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	file.Close()
	s, err := connect(path)
	if err != nil {
		return nil, err
	}
	if _, err := s.db.ExecContext(ctx, schema); err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// connect opens a file that is there. One connection is enough for a database
// that has one writer, and keeps its writers from waiting for each other's
// locks.
func connect(path string) (*store, error) {
	settings := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: settings.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &store{db}, nil
}

func (s *store) close() error { return s.db.Close() }

// within runs do in a database transaction that may write.
func (s *store) within(ctx context.Context, do func(*sql.Tx) error) error {
	return s.transact(ctx, nil, do)
}

// snapshot runs do in a database transaction that reads. All that it reads is of
// one moment, and nobody who writes waits for it.
func (s *store) snapshot(ctx context.Context, do func(*sql.Tx) error) error {
	return s.transact(ctx, &sql.TxOptions{ReadOnly: true}, do)
}

func (s *store) transact(ctx context.Context, opts *sql.TxOptions, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		if undo := tx.Rollback(); !errors.Is(undo, sql.ErrTxDone) { // the end of ctx has undone it
			err = errors.Join(err, undo)
		}
		return err
	}
	return tx.Commit()
}

// A record is a transaction and what became of it.
type record struct {
	transaction

	state   state
	charge  string
	why     string
	changed time.Time
}

const columns = `payload, state, charge, why, changed`

type scanner interface{ Scan(into ...any) error }

func scan(row scanner) (record, error) {
	var r record
	var payload string
	var changed int64
	if err := row.Scan(&payload, &r.state, &r.charge, &r.why, &changed); err != nil {
		return r, err
	}
	r.changed = time.UnixMilli(changed)
	return r, json.Unmarshal([]byte(payload), &r.transaction)
}

// errUnknown is returned for an id that is not there.
var errUnknown = errors.New("there is no such transaction")

// find returns the transaction with an id.
func (s *store) find(ctx context.Context, id string) (record, error) {
	r, err := scan(s.db.QueryRowContext(ctx, `SELECT `+columns+` FROM transactions WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return r, errUnknown
	}
	return r, err
}

// list returns the transactions in a state, the oldest first, at most limit of
// them.
func (s *store) list(ctx context.Context, in state, limit int) ([]record, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+columns+` FROM transactions WHERE state = ? ORDER BY n LIMIT ?`, in, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// count returns how many transactions are in each state.
func (s *store) count(ctx context.Context, since time.Time) (map[state]int, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT state, count(*) FROM transactions WHERE changed >= ? GROUP BY state`, since.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := make(map[state]int)
	for rows.Next() {
		var in state
		var n int
		if err := rows.Scan(&in, &n); err != nil {
			return nil, err
		}
		counts[in] = n
	}
	return counts, rows.Err()
}
