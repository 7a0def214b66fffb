"""How faces and heads move over time: plans that say it in numbers, and the values they give at any time stamps."""
