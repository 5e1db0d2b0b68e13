package rttest_test

import (
	"testing"
	"time"
	"net/http"

	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

func TestZZ(t *testing.T) {
	st := &transport.Stats{}
	for name, w := range map[string]func(http.RoundTripper) http.RoundTripper{
		"retry": transport.Retry{BaseDelay: time.Millisecond, MaxDelay: 5*time.Millisecond}.Wrap,
		"breaker": (&transport.Breaker{}).Wrap,
		"timeout": transport.Timeout{Headers: 5*time.Second}.Wrap,
		"deadline": transport.Deadline{Total: 60*time.Second}.Wrap,
		"record": transport.Record{Stats: st}.Wrap,
		"buffer": transport.Buffer{}.Wrap,
	} {
		t.Run(name, func(t *testing.T) { rttest.Test(t, w) })
	}
}
