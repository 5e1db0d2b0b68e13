package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// settings are the preset for a language model, a cheaper one to step down to,
// and short delays: a demonstration is over in seconds. Whole answers are read
// ahead, so that a cut one counts as none; streams never are.
func (s *sdk) settings() safetrip.Config {
	cfg := safetrip.PresetLLM()
	cfg.Retry.BaseDelay = 20 * time.Millisecond
	cfg.Buffer = new(transport.Buffer)
	cfg.Steps = []fallback.Step{s.cheaper()}
	cfg.Logger = slog.New(slog.DiscardHandler) // the table tells it all
	cfg.Disable = safetrip.Health              // it has no health page
	return cfg
}

// cheaper asks the small model what the large one did not answer.
//
// It is the same service, so the credentials may go along. A question is a
// POST, which nobody else sends twice unasked: UnsafeMethods says that this one
// costs no more than its tokens. The small model has a circuit of its own, lest
// the large one's failures stand in its way.
func (s *sdk) cheaper() fallback.Step {
	step := fallback.Alternative{
		SameTrust:     true,
		UnsafeMethods: true,
		Prepare:       func(req *http.Request) error { return askAnother(req, s.large, s.small) },
	}.Step(transport.Chain(http.DefaultTransport, new(transport.Breaker).Wrap))
	step.Name = "cheaper model"
	return step
}

// askAnother changes the model that a request asks: in the path, where Gemini
// has it, or in the document.
func askAnother(req *http.Request, from, to string) error {
	if before, after, ok := strings.Cut(req.URL.Path, from); ok {
		req.URL.Path, req.URL.RawPath = before+to+after, ""
		return nil
	}
	var doc map[string]json.RawMessage
	err := json.NewDecoder(req.Body).Decode(&doc)
	req.Body.Close()
	if err != nil {
		return err
	}
	if doc["model"], err = json.Marshal(to); err != nil {
		return err
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return nil
}
