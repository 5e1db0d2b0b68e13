package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Every change of a transaction is one database transaction: the new state and
// the audit entry that tells of it.

// accept takes transactions in, all of them or none. What it returns of each is
// safe on the disk. One that is there already, with the same content, is the
// sender's second try: it is returned as it stands. With another content it is
// a fault, and all of those are named.
func (s *store) accept(ctx context.Context, all ...transaction) (records []record, known int, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		var taken []error
		for _, t := range all {
			r, isNew, err := acceptOne(ctx, tx, t)
			if _, ok := errors.AsType[errTaken](err); ok {
				taken = append(taken, err)
			} else if err != nil {
				return err
			}
			if !isNew {
				known++
			}
			records = append(records, r)
		}
		return errors.Join(taken...)
	})
	return records, known, err
}

// errTaken is what accept makes of a second transaction with one id.
type errTaken string

func (id errTaken) Error() string {
	return fmt.Sprintf("id is taken: there is another transaction %q", string(id))
}

func acceptOne(ctx context.Context, tx *sql.Tx, t transaction) (r record, isNew bool, err error) {
	payload := string(t.payload())
	r, err = scan(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM transactions WHERE id = ?`, t.ID))
	switch {
	case err == nil && r.transaction != t:
		return r, false, errTaken(t.ID)
	case err == nil:
		return r, false, nil
	case !errors.Is(err, sql.ErrNoRows):
		return r, false, err
	}
	r = record{transaction: t, state: queued, changed: time.Now()}
	if _, err := tx.ExecContext(ctx, `INSERT INTO transactions (id, key, payload, state, changed) VALUES (?, ?, ?, ?, ?)`,
		t.ID, t.key(), payload, queued, r.changed.UnixMilli()); err != nil {
		return r, false, err
	}
	return r, true, appendEntry(ctx, tx, entry{
		Transaction: t.ID, To: queued, By: self, Payload: hashOf(payload),
		Why: fmt.Sprintf("%v from %v to %v", t.money(), t.From, t.To),
	})
}

// A change is a step from one state to another, and the reason for it.
type change struct {
	from, to state
	by       string
	why      string
	charge   string
	attempts string
}

// errMoved is returned for a change from a state in which the transaction is
// not, or not any more.
var errMoved = errors.New("the transaction is not in that state")

// move makes a change.
func (s *store) move(ctx context.Context, id string, c change) error {
	return s.within(ctx, func(tx *sql.Tx) error { return moveOne(ctx, tx, id, c) })
}

func moveOne(ctx context.Context, tx *sql.Tx, id string, c change) error {
	if !c.from.leadsTo(c.to) {
		return fmt.Errorf("a transaction cannot go from %s to %s", c.from, c.to)
	}
	result, err := tx.ExecContext(ctx, `UPDATE transactions SET state = ?, charge = ?, why = ?, changed = ? WHERE id = ? AND state = ?`,
		c.to, c.charge, c.why, time.Now().UnixMilli(), id, c.from)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errMoved, err)
	}
	return appendEntry(ctx, tx, entry{
		Transaction: id, From: c.from, To: c.to, By: c.by, Why: c.why, Charge: c.charge, Attempts: c.attempts,
	})
}

// errIdle is returned by claim if there is nothing to do.
var errIdle = errors.New("nothing is queued")

// claim takes the oldest transaction out of the queue, for one worker alone. It
// is in sending before the gateway hears of it.
func (s *store) claim(ctx context.Context) (r record, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		r, err = scan(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM transactions WHERE state = ? ORDER BY n LIMIT 1`, queued))
		if errors.Is(err, sql.ErrNoRows) {
			return errIdle
		}
		if err != nil {
			return err
		}
		return moveOne(ctx, tx, r.ID, change{from: queued, to: sending, by: self})
	})
	return r, err
}

// recover takes up what a killed process left behind. What it was sending is
// sent again: the key makes sure that it is charged once. What it was voiding
// goes back to the reviewer, who has not heard how it ended.
func (s *store) recover(ctx context.Context) (n int, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		for _, c := range []change{
			{from: sending, to: queued, by: self, why: "interrupted: sent again under the same key"},
			{from: voiding, to: review, by: self, why: "interrupted while it was voided"},
		} {
			ids, err := idsIn(ctx, tx, c.from)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := moveOne(ctx, tx, id, c); err != nil {
					return err
				}
			}
			n += len(ids)
		}
		return nil
	})
	return n, err
}

func idsIn(ctx context.Context, tx *sql.Tx, in state) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM transactions WHERE state = ? ORDER BY n`, in)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
