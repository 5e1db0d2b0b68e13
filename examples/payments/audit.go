package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
)

// An entry says that a transaction went from one state to another: when, by
// whom and why. The log of them is only ever appended to, which the database
// enforces, and each entry has the hash of the one before it, which shows when
// somebody went around the database.
//
// There is no whole account number in it: it is read by more people than may
// know them. Payload, the hash of the transaction, ties the two together.
type entry struct {
	Seq         int64     `json:"seq"`
	Time        time.Time `json:"time"`
	Transaction string    `json:"transaction"`
	From        state     `json:"from,omitempty"`
	To          state     `json:"to"`
	By          string    `json:"by"` // "payments", or a reviewer
	Why         string    `json:"why,omitempty"`
	Charge      string    `json:"charge,omitempty"`
	Attempts    string    `json:"attempts,omitempty"` // such as "503, network, 201"
	Payload     string    `json:"payload,omitempty"`  // of a transaction that is new
	Prev        string    `json:"prev"`               // hash of the entry before, "" for the first one
}

// hashOf returns the hash of an entry's text. The text has the hash of the
// entry before in it, and so do they all.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// self is who does what no reviewer does.
const self = "payments"

// appendEntry appends e within the database transaction of the change that it
// tells of, so that there is never one without the other.
func appendEntry(ctx context.Context, tx *sql.Tx, e entry) error {
	var seq int64
	var prev string
	err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&seq, &prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	e.Seq, e.Prev, e.Time = seq+1, prev, time.Now().UTC()
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO audit (seq, entry, hash) VALUES (?, ?, ?)`, e.Seq, string(text), hashOf(string(text)))
	return err
}
