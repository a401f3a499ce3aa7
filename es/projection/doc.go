// Package projection keeps read models: tables that follow from the events of a store, in the store's own
// database.
//
//	balances, err := projection.New(store, projection.Definition[*sql.Tx]{
//		Name: "balances", Version: 1, Categories: []string{"account"},
//		Create: …, Handle: …, Drop: …,
//	})
//	…
//	err = balances.Run(ctx) // until the context ends
//
// # Exactly once
//
// Handle gets the transaction in which the checkpoint moves: pgx.Tx on PostgreSQL, *sql.Tx on SQLite. So what it
// does to tables of that database happens once for each event, whatever crashes, and however many processes run
// the projection: who comes second is refused the checkpoint, and with it the rest of its
// transaction. This holds for the transaction alone. A mail that Handle sends is sent
// again when the transaction is.
//
// # Versions
//
// A read model whose form changes gets another version, with tables of its own. It is built from the first event on,
// beside the old one, which serves until the new one has handled all that was in the store when its building
// began, and everything that the old one has. Then it is switched to, atomically. Readers never wait
// ([Projection.View]), and never go back in time. The old version stays until it is dropped
// ([Projection.Drop]); processes of the older build go on with it until then.
//
// # Side effects
//
// Effects outside the database belong into a subscription of their own, not into Handle: see [Projection.Effects]. Its
// checkpoint has nothing to do with versions: no rebuild moves it.
package projection
