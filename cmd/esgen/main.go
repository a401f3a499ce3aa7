// Esgen writes the code between events and their store: from directives on plain structs to
// serializers, upcaster chains, record methods and repositories.
//
// Run esgen -h for the directives, flags and exit statuses.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"

	"github.com/esgen-go/esgen/cmd/esgen/internal/cli"
)

func main() {
	if cli.IsVetTool(os.Args[1:]) {
		cli.VetTool()
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300) // a run is short, and its heap small: some 30 MB for a package
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "esgen:", err)
		os.Exit(cli.Failed)
	}
	os.Exit(cli.Run(ctx, dir, os.Args[1:], os.Stdout, os.Stderr))
}
