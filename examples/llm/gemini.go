package main

import (
	"context"
	"net/http"

	"google.golang.org/genai"
)

var google = sdk{
	name: "google.golang.org/genai", large: "gemini-2.5-pro", small: "gemini-2.5-flash",
	overloaded: http.StatusServiceUnavailable, own: 0, connect: newGemini, wire: geminiWire{},
}

// gemini asks through Google's library. It retries only if RetryOptions are
// set, and then looks at no header: neither at Retry-After nor does it say in
// one that it sends again.
type gemini struct {
	*genai.Client
	model string
}

func newGemini(to access) (model, error) {
	options := genai.HTTPOptions{BaseURL: to.url}
	if to.retries > 0 {
		options.RetryOptions = &genai.HTTPRetryOptions{
			Attempts: new(int32(to.retries + 1)), InitialDelay: new(0.01), Jitter: new(0.0),
		}
	}
	c, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		Backend: genai.BackendGeminiAPI, APIKey: "none", HTTPClient: to.client, HTTPOptions: options,
	})
	return gemini{c, to.model}, err
}

func (g gemini) ask(ctx context.Context, question string) (answer, error) {
	r, err := g.Models.GenerateContent(ctx, g.model, genai.Text(question), nil)
	if err != nil {
		return answer{}, err
	}
	return answerOf(r), nil
}

func (g gemini) stream(ctx context.Context, question string, token func()) (answer, error) {
	var a answer
	for r, err := range g.Models.GenerateContentStream(ctx, g.model, genai.Text(question), nil) {
		if err != nil {
			return a, err
		}
		token()
		text := a.text
		a = answerOf(r)
		a.text = text + a.text
	}
	return a, nil
}

func answerOf(r *genai.GenerateContentResponse) answer {
	return answer{r.Text(), r.ModelVersion, r.SDKHTTPResponse.Headers.Get("Cache-Status")}
}
