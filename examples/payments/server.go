package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// routes is the program's HTTP side. Who may send transactions and who may
// review them is for whatever stands in front of it to say; by itself it listens
// on this machine alone, and refuses what a web page from elsewhere makes a
// browser send.
func routes(p *processor, health http.Handler, log *slog.Logger) http.Handler {
	s := &server{p, log}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /transactions", s.create)
	mux.HandleFunc("GET /transactions/{id}", s.show)
	mux.HandleFunc("GET /review", s.list)
	mux.HandleFunc("POST /review/{id}/resend", s.resend)
	mux.HandleFunc("POST /review/{id}/void", s.void)
	for _, path := range []string{"/healthz", "/healthz/", "/livez", "/readyz"} {
		mux.Handle(path, health)
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

type server struct {
	processor *processor
	log       *slog.Logger
}

// A view is what is shown of a transaction: accounts by their ends.
type view struct {
	ID      string    `json:"id"`
	State   state     `json:"state"`
	Amount  string    `json:"amount"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Key     string    `json:"idempotency_key"`
	Charge  string    `json:"charge,omitempty"`
	Why     string    `json:"why,omitempty"`
	Changed time.Time `json:"changed"`
}

func viewOf(r record) view {
	return view{
		ID: r.ID, State: r.state, Amount: r.money().String(), From: r.From.String(), To: r.To.String(),
		Key: r.key(), Charge: r.charge, Why: r.why, Changed: r.changed.UTC(),
	}
}

// create answers when the transaction is safe on the disk: 202 for a new one,
// 200 for one that is there already. A sender who got neither sends it again.
func (s *server) create(w http.ResponseWriter, r *http.Request) {
	text, ok := s.read(w, r)
	if !ok {
		return
	}
	t, err := decode(text)
	if err != nil {
		s.refuse(w, err)
		return
	}
	records, known, err := s.processor.accept(r.Context(), t)
	if err != nil {
		s.refuse(w, err)
		return
	}
	w.Header().Set("Location", "/transactions/"+t.ID)
	status := http.StatusAccepted
	if known > 0 {
		status = http.StatusOK
	}
	answerJSON(w, status, viewOf(records[0]))
}

func (s *server) show(w http.ResponseWriter, r *http.Request) {
	found, err := s.processor.store.find(r.Context(), r.PathValue("id"))
	if err != nil {
		s.refuse(w, err)
		return
	}
	answerJSON(w, http.StatusOK, viewOf(found))
}

// list shows those that have waited longest for a reviewer.
func (s *server) list(w http.ResponseWriter, r *http.Request) {
	records, err := s.processor.store.list(r.Context(), review, 100)
	if err != nil {
		s.refuse(w, err)
		return
	}
	views := make([]view, len(records))
	for i, one := range records {
		views[i] = viewOf(one)
	}
	answerJSON(w, http.StatusOK, views)
}

func (s *server) resend(w http.ResponseWriter, r *http.Request) {
	d, ok := s.decision(w, r)
	if !ok {
		return
	}
	if err := s.processor.resend(r.Context(), r.PathValue("id"), d); err != nil {
		s.refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// void answers 200 if the transaction is void, 409 if it turned out to be
// charged or declined, and 503 if the gateway could not be asked.
func (s *server) void(w http.ResponseWriter, r *http.Request) {
	d, ok := s.decision(w, r)
	if !ok {
		return
	}
	found, err := s.processor.void(r.Context(), r.PathValue("id"), d)
	switch {
	case err != nil:
		s.refuse(w, err)
	case found.state == voided:
		answerJSON(w, http.StatusOK, viewOf(found))
	case found.state == review:
		answerJSON(w, http.StatusServiceUnavailable, viewOf(found))
	default:
		answerJSON(w, http.StatusConflict, viewOf(found))
	}
}

// read reads the body, if it is not too large.
func (s *server) read(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTransaction))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		answerJSON(w, http.StatusRequestEntityTooLarge, problems{faults{{"", "is over " + strconv.Itoa(maxTransaction) + " bytes"}}})
		return nil, false
	}
	return text, err == nil // otherwise the sender has gone
}

func (s *server) decision(w http.ResponseWriter, r *http.Request) (d decision, ok bool) {
	text, ok := s.read(w, r)
	if !ok {
		return d, false
	}
	if err := json.Unmarshal(text, &d); err != nil {
		answerJSON(w, http.StatusBadRequest, problems{faults{{"", `must be {"reviewer": "...", "reason": "..."}`}}})
		return d, false
	}
	if wrong := d.validate(); len(wrong) > 0 {
		s.refuse(w, wrong)
		return d, false
	}
	return d, true
}

// problems is the body of a refusal.
type problems struct {
	Errors faults `json:"errors"`
}

// refuse says what is wrong with a request. Of our own faults it says that there
// is one.
func (s *server) refuse(w http.ResponseWriter, err error) {
	if wrong, ok := errors.AsType[faults](err); ok {
		answerJSON(w, http.StatusUnprocessableEntity, problems{wrong})
		return
	}
	_, taken := errors.AsType[errTaken](err)
	switch {
	case taken:
		answerJSON(w, http.StatusConflict, problems{faults{{"id", "is taken by another transaction"}}})
	case errors.Is(err, errUnknown):
		answerJSON(w, http.StatusNotFound, problems{faults{{"id", "is not known"}}})
	case errors.Is(err, errMoved):
		answerJSON(w, http.StatusConflict, problems{faults{{"state", "is not review"}}})
	default:
		s.log.Error("request failed", "error", err)
		w.Header().Set("Retry-After", "1")
		answerJSON(w, http.StatusServiceUnavailable, problems{faults{{"", "try again later"}}})
	}
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}
