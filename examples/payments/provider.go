package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/safetrip-go/safetrip/transport"
)

// A provider is the payment gateway as seen from here: an http.Client that the
// kit made, and an address.
type provider struct {
	client *http.Client
	url    string
}

// newProvider returns one that follows no redirects: a payment is for the
// gateway that was chosen, and for nobody that it names.
func newProvider(client *http.Client, url string) *provider {
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &provider{client, strings.TrimSuffix(url, "/")}
}

// A receipt is what the gateway says of a key.
type receipt struct {
	Key      string `json:"key"`
	Status   string `json:"status"`
	Charge   string `json:"charge"`
	Reason   string `json:"reason"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// An outcome is where a transaction goes after the gateway was asked.
type outcome struct {
	to       state
	charge   string
	why      string
	attempts string
}

// charge sends a transaction, as often as the kit finds right, under the one key
// that it has. Whatever happens, it ends in an outcome: where nobody knows
// whether it was charged, in review.
//
// The key is a header of the request, and not in its context or of the kit's
// making: it was decided long before, and a request of ours must not be able to
// go out without it, however the client is configured.
func (p *provider) charge(ctx context.Context, t transaction) outcome {
	ctx, trip := transport.NewTrip(transport.WithOperation(ctx, "charge"))
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {t.key()}}
	a := p.ask(ctx, http.MethodPost, "/charges", header, t.payload())
	o := a.outcome(t)
	if o.to == review && a.receipt == nil && !arrived(trip) {
		o.why = "not reached: " + a.problem
	}
	o.attempts = attempts(trip)
	return o
}

// find asks what became of a transaction; known says whether anything has.
func (p *provider) find(ctx context.Context, t transaction) (o outcome, known bool) {
	a := p.ask(transport.WithOperation(ctx, "look up"), http.MethodGet, "/charges/"+t.key(), nil, nil)
	return a.outcome(t), a.status != http.StatusNotFound
}

// void closes a transaction's key for charges. If there is a charge already, or
// a refusal, that is the outcome.
func (p *provider) void(ctx context.Context, t transaction) outcome {
	return p.ask(transport.WithOperation(ctx, "void"), http.MethodPut, "/voids/"+t.key(), nil, nil).outcome(t)
}

// An answer is what came back. Without a receipt there is a problem.
type answer struct {
	status  int
	receipt *receipt
	problem string // no account numbers, no error texts
}

// maxReceipt bounds what is read of an answer.
const maxReceipt = 64 << 10

// ask makes a call and reads the receipt, if one comes back.
func (p *provider) ask(ctx context.Context, method, path string, header http.Header, body []byte) answer {
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{problem: "the gateway's address is wrong"}
	}
	if header != nil {
		req.Header = header
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return answer{problem: tell(transport.FailureOf(req, nil, err))}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReceipt))
	if err != nil {
		return answer{problem: tell(transport.FailureOf(req, nil, err))}
	}
	a := answer{status: resp.StatusCode}
	if r := new(receipt); json.Unmarshal(text, r) == nil && r.Status != "" && resp.StatusCode < 500 {
		a.receipt = r
	} else {
		a.problem = "answered " + strconv.Itoa(resp.StatusCode)
	}
	return a
}

// tell says in a few words how a call failed.
func tell(f *transport.Failure) string {
	if errors.Is(f, transport.ErrCircuitOpen) {
		return f.Category.String()
	}
	return f.Category.String() + ": " + f.Message
}

// outcome says what an answer means for a transaction. Only what is beyond doubt
// settles it.
func (a answer) outcome(t transaction) outcome {
	r := a.receipt
	switch {
	case r == nil && a.status >= 400 && a.status < 500 && a.status != http.StatusTooManyRequests:
		return outcome{to: review, why: "refused as it stands: " + a.problem}
	case r == nil:
		return outcome{to: review, why: "outcome unknown: " + a.problem}
	case r.Key != t.key():
		return outcome{to: review, why: "outcome unknown: the receipt is for another key"}
	case r.Status == "voided":
		return outcome{to: voided, why: cmp.Or(r.Reason, "the key is closed")}
	case r.Status == "declined":
		return outcome{to: declined, why: r.Reason}
	case r.Status == "charged" && (money{r.Amount, r.Currency}) == t.money():
		return outcome{to: charged, charge: r.Charge}
	case r.Status == "charged":
		return outcome{to: review, charge: r.Charge, why: fmt.Sprintf("charged %d %q in place of %v", r.Amount, r.Currency, t.money())}
	}
	return outcome{to: review, why: "outcome unknown: a receipt that makes no sense"}
}

// arrived says whether any attempt may have reached the gateway.
func arrived(trip *transport.Trip) bool {
	for _, a := range trip.Attempts() {
		if a.Verdict.Sent != transport.Unsent {
			return true
		}
	}
	return false
}

// attempts tells a call's attempts, such as "503, network, 201".
func attempts(trip *transport.Trip) string {
	var all []string
	for _, a := range trip.Attempts() {
		if a.Status != 0 {
			all = append(all, strconv.Itoa(a.Status))
		} else {
			all = append(all, a.Verdict.Category.String())
		}
	}
	return strings.Join(all, ", ")
}

// report fetches the gateway's settlement report, a receipt a line, and calls
// each with them.
func (p *provider) report(ctx context.Context, each func(receipt)) error {
	ctx = transport.WithOperation(ctx, "settlement report")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/ledger", nil)
	if err != nil {
		return errors.New("the gateway's address is wrong")
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return transport.FailureOf(req, resp, nil)
	}
	for d := json.NewDecoder(resp.Body); ; {
		var r receipt
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		each(r)
	}
}

// checkURL says what is wrong with a gateway's address.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return errors.New("-gateway must be an http or https URL, such as http://127.0.0.1:8081")
	}
	return nil
}
