// Package users is the program that is migrated: it looks users up and adds
// them. It does not know what sends its requests, which is all that changes.
package users

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// A User is somebody in the directory.
type User struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// A Client calls the directory at URL.
type Client struct {
	URL string
	Do  func(*http.Request) (*http.Response, error)
}

// Fetch looks a user up.
func (c Client) Fetch(ctx context.Context, id string) (User, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/users/"+id, nil)
	if err != nil {
		return User{}, err
	}
	return c.send(req)
}

// Add adds a user, whose JSON document body is.
func (c Client) Add(ctx context.Context, body io.Reader) (User, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/users", body)
	if err != nil {
		return User{}, err
	}
	return c.send(req)
}

// send makes a User of the answer, or an error that has the service's words.
func (c Client) send(req *http.Request) (u User, _ error) {
	resp, err := c.Do(req)
	if err != nil {
		return u, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		words, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return u, fmt.Errorf("users: %s: %s", resp.Status, words)
	}
	err = json.NewDecoder(resp.Body).Decode(&u)
	return u, err
}
