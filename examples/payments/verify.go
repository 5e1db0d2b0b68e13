package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// A chain is the audit log while it is read from its beginning: what it has said
// of each transaction so far.
type chain struct {
	seq   int64
	hash  string
	state map[string]state
	paid  map[string]string // the hash of each payload
	said  bool              // whether an entry was the anchor
}

// An anchor is what -verify printed of the last entry at some earlier time, and
// somebody kept in another place. A chain that was cut, or written anew from
// somewhere on, is sound in itself; it does not have that entry.
type anchor struct {
	seq  int64
	hash string
}

func parseAnchor(s string) (a anchor, err error) {
	if s == "" {
		return a, nil
	}
	if n, err := fmt.Sscanf(s, "%d:%64s", &a.seq, &a.hash); n != 2 || err != nil || len(a.hash) != 64 {
		return a, fmt.Errorf("-anchor must be what -verify printed, NUMBER:HASH")
	}
	return a, nil
}

// verify reads the whole log and prints whether it holds, or where it breaks
// first; and then whether the transactions stand where the log says. It may be
// run beside the processor.
func (s *store) verify(ctx context.Context, a anchor, out io.Writer) (holds bool, err error) {
	c := chain{state: make(map[string]state), paid: make(map[string]string)}
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		broken, err := c.read(ctx, tx, a)
		switch {
		case err != nil:
			return err
		case broken != "":
			fmt.Fprintf(out, "audit: the chain breaks %s\n", broken)
			return nil
		case a.seq > 0 && !c.said:
			fmt.Fprintf(out, "audit: the chain has no entry %d with the hash of the anchor: it was cut or written anew\n", a.seq)
			return nil
		}
		wrong, err := c.compare(ctx, tx)
		if err != nil {
			return err
		}
		for _, one := range wrong {
			fmt.Fprintf(out, "audit: %s\n", one)
		}
		if holds = len(wrong) == 0; holds {
			fmt.Fprintf(out, "audit: %d entries, unbroken; %d transactions stand where they say\n", c.seq, len(c.state))
			fmt.Fprintf(out, "anchor: %d:%s\n", c.seq, c.hash)
		}
		return nil
	})
	return holds, err
}

// read follows the chain and returns where it breaks, "" if it does not.
func (c *chain) read(ctx context.Context, tx *sql.Tx, a anchor) (broken string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, entry, hash FROM audit ORDER BY seq`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var text, hash string
		if err := rows.Scan(&seq, &text, &hash); err != nil {
			return "", err
		}
		if broken := c.follow(seq, text, hash); broken != "" {
			return broken, nil
		}
		c.said = c.said || seq == a.seq && hash == a.hash
	}
	return "", rows.Err()
}

// follow takes the next entry and says in which way it does not follow.
func (c *chain) follow(seq int64, text, hash string) string {
	var e entry
	bad := func(format string, args ...any) string {
		return fmt.Sprintf("at entry %d: ", seq) + fmt.Sprintf(format, args...)
	}
	switch {
	case seq != c.seq+1:
		return bad("it follows on entry %d", c.seq)
	case hashOf(text) != hash:
		return bad("its text is not what its hash says")
	case json.Unmarshal([]byte(text), &e) != nil:
		return bad("its text is no entry")
	case e.Seq != seq:
		return bad("it says that it is entry %d", e.Seq)
	case e.Prev != c.hash:
		return bad("the entry before is another one than it says")
	case e.From != c.state[e.Transaction]:
		return bad("%s leaves state %q, but was in %q", e.Transaction, e.From, c.state[e.Transaction])
	case !e.From.leadsTo(e.To):
		return bad("%s goes from %q to %q, which cannot be", e.Transaction, e.From, e.To)
	}
	c.seq, c.hash, c.state[e.Transaction] = seq, hash, e.To
	if e.From == "" {
		c.paid[e.Transaction] = e.Payload
	}
	return ""
}

// compare says which transactions are not what the log says of them.
func (c *chain) compare(ctx context.Context, tx *sql.Tx) (wrong []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, payload, state FROM transactions ORDER BY n`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	lost := maps.Clone(c.state)
	for rows.Next() {
		var id, payload string
		var in state
		if err := rows.Scan(&id, &payload, &in); err != nil {
			return nil, err
		}
		delete(lost, id)
		switch {
		case c.paid[id] == "":
			wrong = append(wrong, fmt.Sprintf("transaction %s was never accepted", id))
		case c.paid[id] != hashOf(payload):
			wrong = append(wrong, fmt.Sprintf("transaction %s is not what was accepted", id))
		case c.state[id] != in:
			wrong = append(wrong, fmt.Sprintf("transaction %s is %s, but the log left it %s", id, in, c.state[id]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		wrong = append(wrong, fmt.Sprintf("transaction %s is gone", id))
	}
	return wrong, rows.Err()
}
