"""Tests that share one running stack. As a package, they let pytest stop the stack after the last of them."""
