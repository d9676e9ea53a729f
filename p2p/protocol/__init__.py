"""The engines: each is told a fact (connected, received, time passed) and answers with effects. Sans-IO."""
