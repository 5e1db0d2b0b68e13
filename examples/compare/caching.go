package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A keeper keeps answers: an HTTP cache around a service, or a bare store.
type keeper struct {
	name string
	does string

	// open returns an empty one, as a function that asks for the answer with
	// a number and one that has it stored.
	open func(body []byte) (get, put func(int) error)
}

func keepers() []keeper {
	return []keeper{kitCache, gregjonesCache, kitMemory, goCache, otterCache}
}

const bodySize = 4 << 10

// caching measures hits, misses with what they store, and what entries take
// beside their bodies.
func caching(o options, r *report) error {
	body := bytes.Repeat([]byte("x"), bodySize)
	var hits, misses []lane
	for _, k := range keepers() {
		hits = append(hits, lane{k.name, func() func() error {
			get, put := k.open(body)
			filled := put(0)
			return func() error { return errors.Join(filled, get(0)) }
		}})
		misses = append(misses, lane{k.name, func() func() error {
			_, put := k.open(body)
			i := 0
			return func() error { i++; return put(i) }
		}})
	}
	r.say("cache: hits")
	hit, err := race(o.pace, 1, hits...)
	if err != nil {
		return err
	}
	r.say("cache: misses")
	miss, err := race(o.pace, 1, misses...)
	if err != nil {
		return err
	}
	t := r.add(&table{
		title: "Cache",
		note: "Answers of 4 KiB, read to their end; an HTTP cache reads and writes headers and judges freshness, a bare store " +
			"does not. A miss includes what it stores. Overhead is what an entry holds beside its body.",
		head: []string{"contender", does, "hit, ns", "allocs", "miss, ns", "allocs", "overhead, B"},
	})
	for i, k := range keepers() {
		r.say("cache: entries of %s", k.name)
		found, err := isolated[held](fmt.Sprintf("entries %d %s", o.entries, k.name))
		if err != nil {
			return err
		}
		t.add(k.name, k.does, hit[i].of(sample.ns).spread(number), number(hit[i].of(allocs).median),
			miss[i].of(sample.ns).spread(number), number(miss[i].of(allocs).median), whole(found.Bytes-bodySize))
	}
	return nil
}

// entriesOf returns what a cache holds for each of its entries.
func entriesOf(with string) (held, error) {
	n, name, err := countedName(with)
	if err != nil {
		return held{}, err
	}
	for _, k := range keepers() {
		if k.name != name {
			continue
		}
		before := holding()
		get, put := k.open(nil)
		for i := range n {
			if err := put(i); err != nil {
				return held{}, err
			}
		}
		found := holding().since(before, n)
		return found, get(n - 1)
	}
	return held{}, fmt.Errorf("there is no cache %q", name)
}

// requester makes an open function out of what wraps a transport in a cache:
// to have an answer stored is to ask for it. If body is nil, every answer has
// one of its own.
func requester(wrap func(http.RoundTripper) http.RoundTripper) func([]byte) (get, put func(int) error) {
	return func(body []byte) (get, put func(int) error) {
		asked := 0
		header := http.Header{
			"Content-Type": {"application/json"}, "Cache-Control": {"max-age=3600"}, "Etag": {`"v1"`},
			"Date": {time.Now().UTC().Format(http.TimeFormat)},
		}
		length := int64(len(orNew(body)))
		send := wrap(sender(func(req *http.Request) (*http.Response, error) {
			asked++
			resp := answer(req, http.StatusOK)
			resp.Header, resp.ContentLength = header, length
			resp.Body = io.NopCloser(bytes.NewReader(orNew(body)))
			return resp, nil
		})).RoundTrip
		request := numbered()
		put = func(i int) error {
			before := asked
			if err := once(send, request(i)); err != nil || asked > before {
				return err
			}
			return errors.New("a hit where a miss was expected")
		}
		get = func(i int) error {
			before := asked
			if err := once(send, request(i)); err != nil || asked == before {
				return err
			}
			return errors.New("a miss where a hit was expected")
		}
		return get, put
	}
}

// numbered returns a request for the answer with a number. It makes a new one
// only if the number is another than before.
func numbered() func(i int) *http.Request {
	var last *http.Request
	n := -1
	return func(i int) *http.Request {
		if i != n {
			n, last = i, newRequest(http.MethodGet, "http://api.example.com"+path(i), nil)
		}
		return last
	}
}

func path(i int) string { return "/users/" + strconv.Itoa(i) }

func orNew(body []byte) []byte {
	if body == nil {
		return make([]byte, bodySize)
	}
	return body
}

// stored makes an open function out of a store's two.
func stored(open func() (get func(string) bool, set func(string, []byte))) func([]byte) (get, put func(int) error) {
	return func(body []byte) (get, put func(int) error) {
		read, set := open()
		key, n := "", -1
		named := func(i int) string {
			if i != n {
				n, key = i, path(i)
			}
			return key
		}
		get = func(i int) error {
			if !read(named(i)) {
				return errors.New("not found")
			}
			return nil
		}
		put = func(i int) error {
			set(named(i), orNew(body))
			return nil
		}
		return get, put
	}
}
