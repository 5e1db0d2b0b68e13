package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// A wire is how one service talks: the part of its format that an answer of
// text takes, whole, in pieces, and refused.
type wire interface {
	// asked returns which model a request is for, and whether the answer shall
	// be streamed.
	asked(*http.Request) (model string, stream bool)

	whole(model, text string) object
	piece(model string, tokens []string, i int) string // server-sent events
	refusal(status int) object
}

type object = map[string]any

type geminiWire struct{}

// asked reads the path, /v1beta/models/MODEL:METHOD.
func (geminiWire) asked(r *http.Request) (model string, stream bool) {
	_, last, _ := strings.Cut(r.URL.Path, "/models/")
	model, method, _ := strings.Cut(last, ":")
	return model, method == "streamGenerateContent"
}

func (geminiWire) whole(model, text string) object {
	return object{
		"candidates": []object{{
			"content":      object{"role": "model", "parts": []object{{"text": text}}},
			"finishReason": "STOP",
		}},
		"modelVersion": model,
	}
}

func (w geminiWire) piece(model string, tokens []string, i int) string {
	o := w.whole(model, tokens[i])
	if i < len(tokens)-1 {
		delete(o["candidates"].([]object)[0], "finishReason") //nolint:errcheck // whole made it
	}
	return event("", o)
}

func (geminiWire) refusal(status int) object {
	word := "UNAVAILABLE"
	if status == http.StatusTooManyRequests {
		word = "RESOURCE_EXHAUSTED"
	}
	return object{"error": object{"code": status, "message": "the model is overloaded", "status": word}}
}

type openAIWire struct{}

func (openAIWire) asked(r *http.Request) (model string, stream bool) { return inBody(r) }

func (openAIWire) whole(model, text string) object {
	return object{
		"id": "chatcmpl-1", "object": "chat.completion", "model": model,
		"choices": []object{{
			"index": 0, "finish_reason": "stop",
			"message": object{"role": "assistant", "content": text},
		}},
	}
}

func (openAIWire) piece(model string, tokens []string, i int) string {
	choice := object{"index": 0, "delta": object{"content": tokens[i]}, "finish_reason": nil}
	end := ""
	if i == len(tokens)-1 {
		choice["finish_reason"], end = "stop", "data: [DONE]\n\n"
	}
	return event("", object{
		"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": model, "choices": []object{choice},
	}) + end
}

func (openAIWire) refusal(status int) object {
	word := "server_error"
	if status == http.StatusTooManyRequests {
		word = "rate_limit_exceeded"
	}
	return object{"error": object{"message": "try again later", "type": word, "code": word}}
}

type anthropicWire struct{}

func (anthropicWire) asked(r *http.Request) (model string, stream bool) { return inBody(r) }

func (anthropicWire) whole(model, text string) object {
	return object{
		"id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
		"content": []object{{"type": "text", "text": text}},
		"usage":   object{"input_tokens": 9, "output_tokens": 6},
	}
}

func (w anthropicWire) piece(model string, tokens []string, i int) string {
	var b strings.Builder
	if i == 0 {
		start := w.whole(model, "")
		start["content"], start["stop_reason"] = []object{}, nil
		b.WriteString(event("message_start", object{"type": "message_start", "message": start}))
		b.WriteString(event("content_block_start", object{
			"type": "content_block_start", "index": 0, "content_block": object{"type": "text", "text": ""},
		}))
	}
	b.WriteString(event("content_block_delta", object{
		"type": "content_block_delta", "index": 0, "delta": object{"type": "text_delta", "text": tokens[i]},
	}))
	if i == len(tokens)-1 {
		b.WriteString(event("content_block_stop", object{"type": "content_block_stop", "index": 0}))
		b.WriteString(event("message_delta", object{
			"type": "message_delta", "delta": object{"stop_reason": "end_turn"}, "usage": object{"output_tokens": len(tokens)},
		}))
		b.WriteString(event("message_stop", object{"type": "message_stop"}))
	}
	return b.String()
}

func (anthropicWire) refusal(status int) object {
	word := "overloaded_error"
	if status == http.StatusTooManyRequests {
		word = "rate_limit_error"
	}
	return object{"type": "error", "error": object{"type": word, "message": "try again later"}}
}

// inBody reads model and stream where they are fields of the JSON document.
func inBody(r *http.Request) (model string, stream bool) {
	var q struct {
		Model  string
		Stream bool
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return "", false
	}
	return q.Model, q.Stream
}

// event returns one server-sent event.
func event(name string, data object) string {
	doc, _ := json.Marshal(data)
	if name != "" {
		name = "event: " + name + "\n"
	}
	return fmt.Sprintf("%sdata: %s\n\n", name, doc)
}
