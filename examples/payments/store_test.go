package main

import (
	"context"
	"database/sql"
	"errors"
	"testing"
)

func TestAnInterruptIsAllThatIsSaidOfATransactionThatItUndid(t *testing.T) {
	t.Parallel()
	db, _ := files(t)
	s, err := openStore(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	ctx, interrupt := context.WithCancel(t.Context())
	err = s.within(ctx, func(tx *sql.Tx) error {
		interrupt()
		for {
			if _, err := tx.ExecContext(t.Context(), `SELECT 1`); errors.Is(err, sql.ErrTxDone) {
				return ctx.Err()
			}
		}
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrTxDone) {
		t.Errorf("the error is %v", err)
	}
}
