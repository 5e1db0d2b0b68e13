package main

import (
	"context"
	"net/http"
)

// An sdk is the client library of one LLM service, and how that service talks.
type sdk struct {
	name         string
	large, small string // the model that is asked, and the cheaper one
	overloaded   int    // what the service answers when it has too much to do
	own          int    // how often the library sends again by itself, if nobody says otherwise
	connect      func(access) (model, error)
	wire         wire
}

// An access is what a library is set up with.
type access struct {
	url     string
	client  *http.Client
	retries int // the library's own
	model   string
}

var sdks = []*sdk{&google, &openAI, &anthropicAI}

// A model is what the agent asks. Each of the three libraries is behind one.
type model interface {
	// ask waits for the whole answer.
	ask(ctx context.Context, question string) (answer, error)

	// stream calls token for each piece of the answer as it comes.
	stream(ctx context.Context, question string, token func()) (answer, error)
}

// An answer is what the library says of it.
type answer struct {
	text  string
	model string // that wrote it, as the service says
	mark  string // Cache-Status, where the kit says who answered if it was not the model that was asked
}
