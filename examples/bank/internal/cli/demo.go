package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/internal/demo"
)

func (a *app) demo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show in a minute what an event store does for a bank",
		Long: `Show, on a temporary file and with real values: an old event that is read as today's, a
conflict that is refused, a request that comes twice and is carried out once, a
snapshot that shortens a load, and a look into the past. With --store it is shown in that store,
which must be empty. Exit status 1 if anything is not as it says.`,
		Example: `  bank demo`,
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if !cmd.Flags().Changed("store") {
				return demo.Run(cmd.Context(), a.out)
			}
			store, err := bank.OpenStore(cmd.Context(), a.store, true)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, store.Close()) }()
			return demo.RunIn(cmd.Context(), a.out, store)
		},
	}
}
