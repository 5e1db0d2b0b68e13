//go:build unix

package main

import (
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"
)

func TestSIGTERMDrains(t *testing.T) {
	t.Parallel()
	begun, release := make(chan bool), make(chan bool)
	o := newOrigin(t)
	o.does(func(w http.ResponseWriter, r *http.Request) {
		begun <- true
		<-release
		io.WriteString(w, "whole")
	})
	p := spawn(t, o.URL)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, body := send(t, client(t), p.URL, "GET /"); body != "whole" {
			t.Errorf("got %q", body)
		}
	})
	<-begun
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ready := ""
	for ready != "draining\n" {
		_, ready = send(t, client(t), p.Health, "GET /readyz")
	}
	close(release)
	wg.Wait()
	if err := p.wait(); err != nil {
		t.Errorf("it ended with %v: %s", err, p.says)
	}
}
