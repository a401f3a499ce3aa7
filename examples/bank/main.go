// Bank keeps the accounts of a small bank in an event store: see bank help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/esgen-go/esgen/examples/bank/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
