package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The claim: both programs may be killed at any moment, any number of times; no
// transaction is lost, none is charged twice, and the audit chain holds.
//
// Both are the real programs, as processes of their own, killed as kill -9
// does. Senders send all the while, a reviewer reviews, the gateway misbehaves.
// PAYMENTS_KILLS and PAYMENTS_SEED choose another storm.
func TestKilledAHundredTimesNothingIsLostOrChargedTwice(t *testing.T) {
	t.Parallel()
	kills, seed := number(t, "PAYMENTS_KILLS", 100), number(t, "PAYMENTS_SEED", time.Now().UnixNano())
	if testing.Short() {
		kills = min(kills, 10)
	}
	t.Logf("PAYMENTS_SEED=%d PAYMENTS_KILLS=%d", seed, kills)
	s := newStorm(t, uint64(seed))
	s.gateway.start(t)
	s.payments.start(t)

	senders, reviewer := s.send(t.Context()), s.review(t.Context())
	began := time.Now()
	for range kills {
		s.strike(t)
	}
	took, ofPayments, ofGateway := time.Since(began), s.payments.kills, s.gateway.kills
	senders.stop() // each of them ends with a transaction that was accepted
	s.calm(t)
	reviewer.stop()

	counts := s.counts(t)
	s.payments.kill(t)
	t.Logf("%d strikes in %v: %d kills of the processor, %d of the gateway; %d transactions: %d charged, %d declined, %d voided",
		kills, took.Round(time.Second), ofPayments, ofGateway, s.accepted.Load(), counts[charged], counts[declined], counts[voided])
	s.verify(t)
	s.reconcile(t)
	s.compare(t)
}

func number(t *testing.T, env string, otherwise int64) int64 {
	text := os.Getenv(env)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", env, err)
	}
	return n
}

// A storm is the two programs, and all that happens to them.
type storm struct {
	programs
	db, ledger        string
	dice              *rand.Rand // the killer's own
	seed              uint64
	gateway, payments *victim

	next, accepted atomic.Int64
	client         http.Client
}

func newStorm(t *testing.T, seed uint64) *storm {
	dir := t.TempDir()
	s := &storm{
		programs: built(t), db: filepath.Join(dir, "payments.db"), ledger: filepath.Join(dir, "ledger"),
		dice: rand.New(rand.NewPCG(seed, 0)), seed: seed, client: http.Client{Timeout: 5 * time.Second},
	}
	gateway, payments := freeAddress(t, s.dice), freeAddress(t, s.dice)
	s.gateway = &victim{name: "gateway", address: gateway, program: s.programs.gateway, args: []string{
		"-listen", gateway, "-ledger", s.ledger, "-seed", strconv.FormatUint(seed, 10), "-faults", "0.3", "-slow", "600ms",
	}}
	s.payments = &victim{name: "payments", address: payments, program: s.programs.payments, args: []string{
		"-serve", payments, "-db", s.db, "-gateway", "http://" + gateway,
		"-attempt", "300ms", "-call", "1500ms", "-backoff", "20ms", "-open", "100ms",
	}}
	t.Cleanup(func() { s.gateway.kill(t); s.payments.kill(t) })
	return s
}

// strike kills one of the two, or both, at a random moment of their lives, which
// may be before they have begun to listen.
func (s *storm) strike(t *testing.T) {
	<-time.After(time.Duration(s.dice.Int64N(int64(400 * time.Millisecond))))
	who := s.dice.IntN(10)
	if who < 6 {
		s.payments.kill(t)
		s.verify(t)
	}
	if who >= 5 {
		s.gateway.kill(t)
		s.gateway.start(t)
	}
	if who < 6 {
		s.payments.start(t)
	}
}

// verify runs payments -verify.
func (s *storm) verify(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), s.programs.payments, "-verify", "-db", s.db).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "unbroken") {
		if s.accepted.Load() == 0 {
			return // killed before it had made its database
		}
		t.Fatalf("payments -verify: %v\n%s", err, out)
	}
}

// reconcile runs payments -reconcile.
func (s *storm) reconcile(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), s.programs.payments, "-reconcile", "-db", s.db, "-gateway", "http://"+s.gateway.address).CombinedOutput()
	t.Logf("payments -reconcile:\n%s", out)
	if err != nil || strings.Contains(string(out), "difference") {
		t.Errorf("payments -reconcile: %v", err)
	}
}

// compare reads the gateway's ledger and the database themselves, and trusts no
// program to have compared them.
func (s *storm) compare(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(s.ledger)
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string][]receipt) // by transaction, or by key where nothing but a void is known
	for line := range bytes.Lines(text) {
		var r struct {
			receipt

			ID string `json:"id"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("ledger: %q: %v", line, err)
		}
		name := r.ID
		if name == "" {
			name = r.Key
		}
		there[name] = append(there[name], r.receipt)
	}
	db, err := connect(s.db)
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	ours, theirs := purse{}, purse{}
	for i := range s.next.Load() {
		want := s.transaction(i)
		r, err := db.find(t.Context(), want.ID)
		if err != nil {
			t.Errorf("%s was accepted, and is lost: %v", want.ID, err)
			continue
		}
		if r.transaction != want {
			t.Errorf("%s is another transaction now", want.ID)
		}
		if r.state == charged {
			ours[r.Currency] += r.Amount
		}
		records := slices.Concat(there[want.ID], there[want.key()])
		if len(records) != 1 || records[0].Status != string(r.state) || r.state == charged && records[0].Amount != want.Amount {
			t.Errorf("%s is %s here; the gateway has %v", want.ID, r.state, records)
		}
		for _, there := range records {
			if there.Status == "charged" {
				theirs[there.Currency] += there.Amount
			}
		}
	}
	if ours.String() != theirs.String() || ours["EUR"] == 0 {
		t.Errorf("charged here %v, there %v", ours, theirs)
	}
}

// transaction is the i-th that is sent.
func (s *storm) transaction(i int64) transaction {
	dice := rand.New(rand.NewPCG(s.seed, uint64(i)))
	t := transaction{
		ID: fmt.Sprintf("t-%05d", i), From: madeUp("DE", 18, dice), To: madeUp("NL", 14, dice),
		Amount: 1 + dice.Int64N(100_000), Currency: []string{"EUR", "JPY", "KWD"}[dice.IntN(3)],
	}
	return t
}

// A crew is goroutines that work until they are stopped.
type crew struct {
	ended chan struct{}
	wait  sync.WaitGroup
}

func (c *crew) stop() { close(c.ended); c.wait.Wait() }

func (c *crew) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// send begins to send transactions, each until it is accepted.
func (s *storm) send(ctx context.Context) *crew {
	c := &crew{ended: make(chan struct{})}
	for range 4 {
		c.wait.Go(func() {
			for !c.over() && ctx.Err() == nil {
				t := s.transaction(s.next.Add(1) - 1)
				for ctx.Err() == nil {
					status, _ := s.post(ctx, "/transactions", t.payload())
					if status == http.StatusAccepted || status == http.StatusOK {
						s.accepted.Add(1)
						break
					}
					<-time.After(10 * time.Millisecond)
				}
				<-time.After(20 * time.Millisecond)
			}
		})
	}
	return c
}

// review begins to review: one in five is to be voided, the others are sent
// again.
func (s *storm) review(ctx context.Context) *crew {
	c := &crew{ended: make(chan struct{})}
	c.wait.Go(func() {
		dice := rand.New(rand.NewPCG(s.seed, 1<<32))
		for !c.over() && ctx.Err() == nil {
			var waiting []view
			_ = json.Unmarshal(s.get(ctx, "/review"), &waiting)
			for _, one := range waiting {
				what := "/resend"
				if dice.IntN(5) == 0 {
					what = "/void"
				}
				_, _ = s.post(ctx, "/review/"+one.ID+what, []byte(`{"reviewer": "ada", "reason": "in the storm"}`))
			}
			<-time.After(50 * time.Millisecond)
		}
	})
	return c
}

// calm lets the gateway behave, and waits until everything is settled.
func (s *storm) calm(t *testing.T) {
	s.gateway.kill(t)
	s.gateway.args = append(s.gateway.args, "-faults", "0")
	s.gateway.start(t)
	for end := time.Now().Add(3 * time.Minute); ; <-time.After(50 * time.Millisecond) {
		counts := s.counts(t)
		if counts[queued]+counts[sending]+counts[review]+counts[voiding] == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("long after the last kill there are %v", counts)
		}
	}
}

// counts reads the database beside the program that writes it.
func (s *storm) counts(t *testing.T) map[state]int {
	t.Helper()
	db, err := connect(s.db)
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	counts, err := db.count(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func (s *storm) post(ctx context.Context, path string, text []byte) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.payments.address+path, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func (s *storm) get(ctx context.Context, path string) []byte {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.payments.address+path, nil)
	if err != nil {
		return nil
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return text
}

// A victim is a program that is killed again and again.
type victim struct {
	name, address, program string
	args                   []string
	kills                  int

	cmd    *exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{}
}

// start starts the program and does not wait for it to be ready.
func (v *victim) start(t *testing.T) {
	t.Helper()
	v.stderr.Reset()
	v.cmd, v.ended = exec.CommandContext(context.Background(), v.program, v.args...), make(chan struct{})
	v.cmd.Stderr = &v.stderr
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(v.cmd, v.ended)
}

// kill kills the program. One that has ended by itself is a failure.
func (v *victim) kill(t *testing.T) {
	t.Helper()
	if v.cmd == nil {
		return
	}
	v.kills++
	select {
	case <-v.ended:
		t.Errorf("the %s ended by itself: %s", v.name, lastLines(v.stderr.String()))
	default:
	}
	_ = v.cmd.Process.Kill()
	<-v.ended
	v.cmd = nil
}

func lastLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// freeAddress returns an address where nobody listens, with a port that the
// system does not give to outgoing connections: while a program is dead,
// nobody's call may take its place.
func freeAddress(t *testing.T, dice *rand.Rand) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+dice.IntN(10_000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}
