// Package aggregatetest tests aggregates without a store: given what happened, when
// a command runs, then this is recorded.
//
//	aggregatetest.Given(t, account.New("1"), account.Opened{Owner: "Ann", Currency: "EUR"}).
//		When(func(a *account.Account) error { return a.Deposit(500) }).
//		Then(account.Deposited{Amount: 500})
//
// Given events go through their stored form, so that the command meets the state that a
// load would give it. When also checks that the aggregate, as it is after the command,
// equals the one replayed from what would be stored: an apply body that keeps what does
// not survive storage (an empty slice that comes back nil, a time zone, a rounding) or a
// command that changes the state without an event fails the test.
package aggregatetest
