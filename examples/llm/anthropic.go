package main

import (
	"context"
	"net/http"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

var anthropicAI = sdk{
	name:  "github.com/anthropics/anthropic-sdk-go",
	large: anthropic.ModelClaudeOpus5_5, small: anthropic.ModelClaudeHaiku5_5,
	overloaded: 529, own: 2, connect: newAnthropic, wire: anthropicWire{},
}

type messages struct {
	anthropic.Client
	model string
}

func newAnthropic(to access) (model, error) {
	return messages{anthropic.NewClient(
		option.WithoutEnvironmentDefaults(),
		option.WithAPIKey("none"),
		option.WithBaseURL(to.url),
		option.WithHTTPClient(to.client),
		option.WithMaxRetries(to.retries),
	), to.model}, nil
}

func (m messages) question(text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: m.model, MaxTokens: 1024,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	}
}

func (m messages) ask(ctx context.Context, question string) (answer, error) {
	var resp *http.Response
	r, err := m.Messages.New(ctx, m.question(question), option.WithResponseInto(&resp))
	if err != nil {
		return answer{}, err
	}
	return answer{r.Content[0].Text, r.Model, resp.Header.Get("Cache-Status")}, nil
}

func (m messages) stream(ctx context.Context, question string, token func()) (a answer, _ error) {
	var resp *http.Response
	s := m.Messages.NewStreaming(ctx, m.question(question), option.WithResponseInto(&resp))
	defer s.Close()
	for s.Next() {
		switch event := s.Current().AsAny().(type) {
		case anthropic.MessageStartEvent:
			a.model, a.mark = event.Message.Model, resp.Header.Get("Cache-Status")
		case anthropic.ContentBlockDeltaEvent:
			token()
			a.text += event.Delta.Text
		}
	}
	return a, s.Err()
}
