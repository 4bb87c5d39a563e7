-- One row per fact that reached the goal of a customer's latest entry until an instant.
select * from goal_hits where customer_id = $customer and "at" <= $until order by "at"
