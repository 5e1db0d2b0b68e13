package redisstore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A row is what happens to a circuit with a threshold of 2 and an open time of
// 10 s, at most 25 s: f a failure, s a success, F and S of a probe, a an
// admission, + 10 s more.
func TestCircuit(t *testing.T) {
	for _, row := range []struct{ does, events, want string }{
		{"calls pass", "a s a", "passes passes"},
		{"failures in a row open it", "f f a", "refused"},
		{"a success between them does not let it", "f s f a", "passes"},
		{"when its time is over there is one probe", "f f + a a", "probe refused"},
		{"a probe that goes well closes it", "f f + a S a", "probe passes"},
		{"after that it takes as many failures as ever", "f f + a S f a f a", "probe passes refused"},
		{"a probe that does not doubles its time", "f f + a F + a + a", "probe refused probe"},
		{"up to the bound", "f f + a F + + a F + + a + a", "probe probe refused probe"},
		{"what comes late changes nothing", "f f f s a", "refused"},
		{"not even while it is probed", "f f + a s f a", "probe refused"},
	} {
		t.Run(row.does, func(t *testing.T) {
			now := time.Unix(1000, 0)
			var told []string
			c := &circuit{threshold: 2, first: 10 * time.Second, max: 25 * time.Second, key: "k", onChange: func(ch transport.Change) {
				told = append(told, fmt.Sprint(ch.Key, ch.From, ch.To))
			}}
			var got []string
			for event := range strings.FieldsSeq(row.events) {
				switch event {
				case "s", "f":
					c.report(event == "s", now)
				case "S", "F":
					c.probed(event == "S", now)
				case "+":
					now = now.Add(10 * time.Second)
				case "a":
					got = append(got, [...]string{"passes", "refused", "probe"}[c.admit(now)])
				}
			}
			if s := strings.Join(got, " "); s != row.want {
				t.Errorf("%s: %s, want %s (%v)", row.events, s, row.want, told)
			}
		})
	}
}

func TestACircuitThatNeverOpens(t *testing.T) {
	c := &circuit{threshold: -1, first: time.Second, max: time.Second}
	for range 1000 {
		c.report(false, time.Now())
	}
	if c.admit(time.Now()) != passes {
		t.Error("it is open")
	}
}

func TestSnapshotSaysWhatIsLeft(t *testing.T) {
	now := time.Unix(1000, 0)
	c := &circuit{threshold: 1, first: 10 * time.Second, max: 10 * time.Second, key: "k"}
	c.report(false, now)
	c.admit(now)
	s := c.snapshot(now.Add(time.Second))
	if s.State != transport.Open || s.Left < 7*time.Second || s.Left > 9*time.Second || s.Rejected != 1 || s.Failures != 1 || s.Key != "k" || !s.LastFailure.Equal(now) {
		t.Errorf("%+v", s)
	}
}
