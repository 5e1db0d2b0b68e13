package safetrip_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// post sends a POST through a new Agent whose service answers with the statuses
// in turn, and returns the Idempotency-Key of each attempt and the last status.
func post(t *testing.T, cfg safetrip.Config, statuses ...any) (keys []string, status int) {
	t.Helper()
	cfg.Logger = quiet().Logger
	script := rttest.Script(statuses...)
	cfg.Base = transport.Func(func(req *http.Request) (*http.Response, error) {
		keys = append(keys, req.Header.Get("Idempotency-Key"))
		return script.RoundTrip(req)
	})
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		resp, err := agent.Client().Post("http://a.test/v1", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		status = resp.StatusCode
	})
	return keys, status
}

func TestPresetLLM(t *testing.T) {
	for _, code := range []int{408, 409, 429, 503, 529} {
		if keys, status := post(t, safetrip.PresetLLM(), code, code, 200); len(keys) != 3 || status != 200 {
			t.Errorf("a POST answered %d was sent %d times and ended with %d; want three and 200", code, len(keys), status)
		}
	}
	for _, code := range []int{400, 401, 404, 500} {
		if keys, status := post(t, safetrip.PresetLLM(), code, 200); len(keys) != 1 || status != code {
			t.Errorf("a POST answered %d was sent %d times and ended with %d; want once", code, len(keys), status)
		}
	}
}

func TestPresetPayments(t *testing.T) {
	keys, status := post(t, safetrip.PresetPayments(), 503, 500, 200)
	if len(keys) != 3 || status != 200 || keys[0] == "" || keys[0] != keys[1] || keys[1] != keys[2] {
		t.Errorf("the attempts have the keys %q and end with %d; want three with one key, and 200", keys, status)
	}
	cut := func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: make(http.Header), ContentLength: 10, Body: io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))}, nil
	}
	if keys, status := post(t, safetrip.PresetPayments(), cut, 200); len(keys) != 2 || status != 200 || keys[0] != keys[1] {
		t.Errorf("a payment whose receipt was cut has the keys %q and ends with %d; want two attempts with one key", keys, status)
	}
	cfg := safetrip.PresetPayments()
	cfg.Steps = []fallback.Step{fallback.JSON(200, "made up")}
	cfg.Retry.BaseDelay = -1
	if keys, status := post(t, cfg, 503, 503, 503, 503); len(keys) != 4 || status != 503 {
		t.Errorf("a payment that fails was tried %d times and ended with %d; want 4 and the truth", len(keys), status)
	}
}

func TestServicesKeepTheContract(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]func() safetrip.Config{
		"without settings": func() safetrip.Config { return safetrip.Config{} },
		"PresetLLM":        safetrip.PresetLLM, "PresetPayments": safetrip.PresetPayments, "PresetReadOnly": safetrip.PresetReadOnly,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			suite := rttest.Suite{Memory: true, Omit: omitted("", map[bool]string{true: "Buffer"}[cfg().Buffer != nil])}
			for _, v := range suite.Check(func(base http.RoundTripper) http.RoundTripper {
				service := cfg()
				service.Retry.BaseDelay, service.Retry.MaxHint = time.Millisecond, time.Millisecond
				agent := quiet()
				agent.Base, agent.Services = base, map[string]safetrip.Config{"x": service}
				return newAgent(t, agent).Service("x").Transport()
			}) {
				t.Errorf("%s: %s", v.Rule, v.Found)
			}
		})
	}
}

func TestPresetReadOnly(t *testing.T) {
	cfg := safetrip.PresetReadOnly()
	cfg.Logger = quiet().Logger
	cfg.Base = transport.Func(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done() // it never answers
		return nil, context.Cause(req.Context())
	})
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		began := time.Now()
		resp, err := agent.Client().Get("http://a.test")
		if err == nil {
			resp.Body.Close()
		}
		if took := time.Since(began); err == nil || took > 15*time.Second {
			t.Errorf("ended after %v with %v", took, err)
		}
	})
}
