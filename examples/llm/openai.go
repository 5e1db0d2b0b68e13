package main

import (
	"context"
	"net/http"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

var openAI = sdk{
	name: "github.com/openai/openai-go/v3", large: openai.ChatModelGPT5_5, small: openai.ChatModelGPT5_4Mini,
	overloaded: http.StatusServiceUnavailable, own: 2, connect: newOpenAI, wire: openAIWire{},
}

type chat struct {
	openai.Client
	model string
}

func newOpenAI(to access) (model, error) {
	return chat{openai.NewClient(
		option.WithAPIKey("none"),
		option.WithBaseURL(to.url+"/v1/"),
		option.WithHTTPClient(to.client),
		option.WithMaxRetries(to.retries),
	), to.model}, nil
}

func (c chat) question(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: c.model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
	}
}

func (c chat) ask(ctx context.Context, question string) (answer, error) {
	var resp *http.Response
	r, err := c.Chat.Completions.New(ctx, c.question(question), option.WithResponseInto(&resp))
	if err != nil {
		return answer{}, err
	}
	return answer{r.Choices[0].Message.Content, r.Model, resp.Header.Get("Cache-Status")}, nil
}

func (c chat) stream(ctx context.Context, question string, token func()) (a answer, _ error) {
	var resp *http.Response
	s := c.Chat.Completions.NewStreaming(ctx, c.question(question), option.WithResponseInto(&resp))
	defer s.Close()
	for s.Next() {
		token()
		chunk := s.Current()
		a.text += chunk.Choices[0].Delta.Content
		a.model, a.mark = chunk.Model, resp.Header.Get("Cache-Status")
	}
	return a, s.Err()
}
