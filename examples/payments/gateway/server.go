package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
)

// A gateway answers for the ledger, badly.
type gateway struct {
	ledger *ledger
	faults *faults
}

// An answer is what a request comes to, if nothing goes wrong.
type answer struct {
	status int
	body   any
	replay bool // it was answered before
}

func (g *gateway) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /charges", g.badly(g.charge))
	mux.Handle("GET /charges/{key}", g.badly(g.find))
	mux.Handle("PUT /voids/{key}", g.badly(g.void))
	mux.HandleFunc("GET /ledger", g.list)
	return mux
}

// maxBody bounds a request.
const maxBody = 16 << 10

// badly reads a request to its end, so that whoever leaves early is charged all
// the same, as it is with real gateways.
func (g *gateway) badly(do func(*http.Request, []byte) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the request cannot be read", http.StatusBadRequest)
			return
		}
		f, late := g.faults.next()
		if f.before(w, late) {
			return
		}
		a := do(r, body)
		text, err := json.Marshal(a.body)
		if err != nil {
			http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if a.replay {
			w.Header().Set("Idempotent-Replayed", "true")
		}
		if f.after(w, a.status, text) {
			return
		}
		w.WriteHeader(a.status)
		w.Write(text)
	}
}

func refusal(status int, why string) answer {
	return answer{status: status, body: map[string]string{"error": why}}
}

// charge makes a charge, unless the key has a record.
func (g *gateway) charge(r *http.Request, body []byte) answer {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || len(key) > 255 {
		return refusal(http.StatusBadRequest, "an Idempotency-Key of up to 255 characters is required")
	}
	var order record
	if err := json.Unmarshal(body, &order); err != nil || order.Amount < 1 || order.Currency == "" {
		return refusal(http.StatusBadRequest, "this is no charge")
	}
	hash := sha256.Sum256(body)
	one := line{
		record:  record{Key: key, Status: "charged", ID: order.ID, Amount: order.Amount, Currency: order.Currency},
		Payload: hex.EncodeToString(hash[:]),
	}
	if one.Amount%100 == 66 {
		one.Status, one.Reason = "declined", "insufficient funds"
	}
	settled, first, err := g.ledger.settle(one)
	switch {
	case err != nil:
		return refusal(http.StatusInternalServerError, "the ledger cannot be written")
	case settled.Payload != one.Payload && settled.Status != "voided":
		return refusal(http.StatusUnprocessableEntity, "the Idempotency-Key belongs to another payload")
	}
	return answer{status: statuses[settled.Status], body: settled.record, replay: !first}
}

// statuses is how a charge is answered by what became of it.
var statuses = map[string]int{
	"charged":  http.StatusCreated,
	"declined": http.StatusPaymentRequired,
	"voided":   http.StatusConflict,
}

// find tells what became of a key.
func (g *gateway) find(r *http.Request, _ []byte) answer {
	one, ok := g.ledger.find(r.PathValue("key"))
	if !ok {
		return refusal(http.StatusNotFound, "nothing is known of this key")
	}
	return answer{status: http.StatusOK, body: one.record}
}

// void closes a key. A charge that was made under it stays what it is, and is
// what is answered.
func (g *gateway) void(r *http.Request, _ []byte) answer {
	one, first, err := g.ledger.settle(line{record: record{Key: r.PathValue("key"), Status: "voided"}})
	if err != nil {
		return refusal(http.StatusInternalServerError, "the ledger cannot be written")
	}
	return answer{status: http.StatusOK, body: one.record, replay: !first}
}

// list is the settlement report. It comes whole: in the field it is a file that
// is fetched at night.
func (g *gateway) list(w http.ResponseWriter, _ *http.Request) {
	var all bytes.Buffer
	to := json.NewEncoder(&all)
	for _, one := range g.ledger.all() {
		if err := to.Encode(one.record); err != nil {
			http.Error(w, "the ledger cannot be told", http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Write(all.Bytes())
}
