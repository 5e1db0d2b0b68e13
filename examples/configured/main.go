// Configured shows an agent whose settings come from a YAML file, under the
// environment, and are replaced while the program runs.
//
//	go run ./examples/configured
//	go run ./examples/configured -config my.yaml   # and wait for SIGHUP
//	CONFIGURED_RETRY_MAX_ATTEMPTS=5 go run ./examples/configured
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"sigs.k8s.io/yaml"

	"github.com/safetrip-go/safetrip"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "configured:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("configured", flag.ContinueOnError)
	path := flags.String("config", "", "a YAML file to go by, which is read again upon SIGHUP; without one, a story is told")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *path == "" {
		return story(ctx, out)
	}
	cfg, err := read(*path)
	if err != nil {
		return err
	}
	agent, err := safetrip.New("configured", cfg)
	if err != nil {
		return err
	}
	defer agent.Close()
	return follow(ctx, agent, *path, out)
}

// load reads settings from YAML, and then from the environment, which wins.
// What they do not name is a default of this program.
func load(document []byte) (safetrip.Config, error) {
	cfg := safetrip.PresetReadOnly()
	cfg.Logger = slog.New(slog.DiscardHandler)
	text, err := yaml.YAMLToJSON(document)
	if err == nil {
		err = cfg.LoadJSON(bytes.NewReader(text))
	}
	if err == nil {
		err = cfg.LoadEnv("CONFIGURED")
	}
	return cfg, err
}

func read(path string) (safetrip.Config, error) {
	document, err := os.ReadFile(path)
	if err != nil {
		return safetrip.Config{}, err
	}
	return load(document)
}

// follow reads the file again upon each SIGHUP. A file with a fault is told of,
// and changes nothing.
func follow(ctx context.Context, agent *safetrip.Agent, path string, out io.Writer) error {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	for {
		select {
		case <-again:
			cfg, err := read(path)
			if err == nil {
				err = agent.Reconfigure(cfg)
			}
			fmt.Fprintf(out, "read again: %v\n", orOK(err))
		case <-ctx.Done():
			return nil
		}
	}
}

func orOK(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}
