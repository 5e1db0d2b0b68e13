// Configured shows an agent whose settings come from a YAML or JSON file, under
// the environment, and are replaced while the program runs.
//
//	go run ./examples/configured
//	go run ./examples/configured -config my.yaml   # read again upon each SIGHUP
//	CONFIGURED_RETRY_MAX_ATTEMPTS=5 go run ./examples/configured
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"sigs.k8s.io/yaml"

	"github.com/safetrip-go/safetrip"
)

func main() {
	path := flag.String("config", "", "a YAML or JSON file to go by, which is read again upon SIGHUP; without one, a story is told")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	err := run(ctx, *path, again, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "configured:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path string, again <-chan os.Signal, out io.Writer) error {
	if path == "" {
		return story(ctx, out)
	}
	cfg, err := read(path)
	if err != nil {
		return err
	}
	agent, err := safetrip.New("configured", cfg)
	if err != nil {
		return err
	}
	defer agent.Close()
	fmt.Fprintf(out, "going by %s; SIGHUP reads it again   (interrupt to end)\n", path)
	for {
		select {
		case <-again:
			fmt.Fprintf(out, "read again: %s\n", orOK(reread(agent, path)))
		case <-ctx.Done():
			return nil
		}
	}
}

// reread puts what the file says now in the place of what it said. If that has
// a fault, nothing is changed.
func reread(agent *safetrip.Agent, path string) error {
	cfg, err := read(path)
	if err != nil {
		return err
	}
	return agent.Reconfigure(cfg)
}

func read(path string) (safetrip.Config, error) {
	document, err := os.ReadFile(path)
	if err != nil {
		return safetrip.Config{}, err
	}
	return load(document)
}

// load reads settings from YAML or JSON, and then from the environment, which
// wins. What they do not name is a default of this program.
func load(document []byte) (cfg safetrip.Config, err error) {
	cfg = safetrip.PresetReadOnly()
	if !json.Valid(document) {
		document, err = yaml.YAMLToJSONStrict(document)
	}
	if err == nil {
		err = cfg.LoadJSON(bytes.NewReader(document))
	}
	if err == nil {
		err = cfg.LoadEnv("CONFIGURED")
	}
	return cfg, err
}

func orOK(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}
