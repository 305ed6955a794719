//! Gateway apps that go wrong.
