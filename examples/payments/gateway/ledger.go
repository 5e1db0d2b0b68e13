package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// A record is what became of a key.
type record struct {
	Key      string `json:"key"`
	Status   string `json:"status"` // charged, declined or voided
	Charge   string `json:"charge,omitempty"`
	Reason   string `json:"reason,omitempty"`
	ID       string `json:"id,omitempty"` // of the transaction
	Amount   int64  `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// A line is a record in the file. Payload is the hash of the request that made
// it, by which another one under the same key is known; account numbers are
// not kept.
type line struct {
	record

	Payload string `json:"payload,omitempty"`
}

// A ledger is a file to which records are appended. A record counts when it is
// on the disk: only then is it answered.
type ledger struct {
	mu     sync.Mutex // guards the rest
	file   *os.File
	lines  []line
	keys   map[string]int // the index of a key's line
	broken error          // a write that failed: nobody knows how much of it is there
}

// openLedger reads the records of an earlier life. Half a line at the end is
// one whose writer was killed. Nobody was told of it, so it is cut off.
func openLedger(path string) (*ledger, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l := &ledger{file: file, keys: make(map[string]int)}
	if err := l.load(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func (l *ledger) load() error {
	data, err := io.ReadAll(l.file)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	for text := range bytes.Lines(data[:whole]) {
		var one line
		if err := json.Unmarshal(text, &one); err != nil {
			return fmt.Errorf("line %d: %w", len(l.lines)+1, err)
		}
		l.add(one)
	}
	if err := l.file.Truncate(int64(whole)); err != nil {
		return err
	}
	_, err = l.file.Seek(int64(whole), io.SeekStart)
	return err
}

func (l *ledger) add(one line) {
	l.keys[one.Key] = len(l.lines)
	l.lines = append(l.lines, one)
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

// find returns the record of a key.
func (l *ledger) find(key string) (line, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, ok := l.keys[key]
	if !ok {
		return line{}, false
	}
	return l.lines[i], true
}

// settle returns the record of a key, which is the one given if there was none:
// the first comer decides, all others hear what was decided.
func (l *ledger) settle(one line) (settled line, first bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i, ok := l.keys[one.Key]; ok {
		return l.lines[i], false, nil
	}
	if l.broken != nil {
		return line{}, false, l.broken
	}
	if one.Status == "charged" {
		one.Charge = fmt.Sprintf("ch_%06d", len(l.lines)+1)
	}
	if l.broken = l.write(one); l.broken != nil {
		return line{}, false, l.broken
	}
	l.add(one)
	return one, true, nil
}

func (l *ledger) write(one line) error {
	text, err := json.Marshal(one)
	if err != nil {
		return err
	}
	if _, err := l.file.Write(append(text, '\n')); err != nil {
		return err
	}
	return l.file.Sync()
}

// all returns the records in the order in which they came.
func (l *ledger) all() []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.lines) // lines are added, never changed
}

func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file.Close()
}
